namespace MemLoad.Commands;

/// <summary>Runs a GPT model on token ids and returns its logits.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "GptModel")]
[OutputType(typeof(GptLogits))]
public sealed class InvokeGptModelCommand : MemLoadCmdlet
{
    /// <summary>The model, its name or its id.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ModelTransformation]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [ValidateNotNull]
    public LoadedGptModel? Model { get; set; }

    /// <summary>The input, as token ids.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [WholeNumbers]
    [ValidateNotNullOrEmpty]
    public int[] TokenId { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord() => Attempt(Model!.Name, () =>
    {
        LoadedGptModel model = Model!;
        if (model.Device?.StartsWith("cuda:", StringComparison.Ordinal) == true)
        {
            WriteVerbose($"The weights of {model.Name} are copied from {model.Device} to the host, which computes the logits.");
        }
        (float[] logits, GptConfig config) =
            Pump($"Running {model.Name}", $"{TokenId.Length} tokens", 0, (_, stop) => model.Forward(TokenId, stop));
        ReadOnlySpan<float> last = logits.AsSpan(logits.Length - config.VocabularySize);
        WriteObject(new GptLogits(model.Name, $"1,{TokenId.Length},{config.VocabularySize}", GptModel.MostLikelyToken(last), logits));
    });
}
