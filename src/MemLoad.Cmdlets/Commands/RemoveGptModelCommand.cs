namespace MemLoad.Commands;

/// <summary>Frees models at once.</summary>
[Cmdlet(VerbsCommon.Remove, "GptModel", SupportsShouldProcess = true)]
public sealed class RemoveGptModelCommand : MemLoadCmdlet
{
    /// <summary>The models, or their names or ids; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Name")]
    [ModelTransformation(Wildcards = true)]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [AllowEmptyCollection]
    [ValidateNotNull]
    [SupportsWildcards]
    public LoadedGptModel[] Model { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (LoadedGptModel model in Model)
        {
            string what = $"{model.Name} (id {model.Id}, {model.ModelBytes} bytes)";
            if (ShouldProcess(what, "Free"))
            {
                Session.Remove(model);
            }
        }
    }
}
