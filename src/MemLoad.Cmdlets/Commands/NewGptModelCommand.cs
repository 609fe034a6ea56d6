namespace MemLoad.Commands;

/// <summary>Creates a GPT model with new weights, or without memory.</summary>
[Cmdlet(VerbsCommon.New, "GptModel", DefaultParameterSetName = ParameterSets.Size)]
[OutputType(typeof(LoadedGptModel))]
public sealed class NewGptModelCommand : MemLoadCmdlet
{
    /// <summary>A known size.</summary>
    [Parameter(Position = 0, ParameterSetName = ParameterSets.Size)]
    [ArgumentCompleter(typeof(SizeCompleter))]
    [ValidateNotNullOrEmpty]
    public string Size { get; set; } = "gpt2-small";

    /// <summary>For custom dimensions: the number of tokens in the vocabulary.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Dimensions)]
    [ValidateRange(1, int.MaxValue)]
    public int VocabularySize { get; set; }

    /// <summary>For custom dimensions: the maximum number of tokens of an input.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Dimensions)]
    [ValidateRange(1, int.MaxValue)]
    public int ContextLength { get; set; }

    /// <summary>For custom dimensions: the width of the embedding, a multiple of the heads.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Dimensions)]
    [ValidateRange(1, int.MaxValue)]
    public int EmbeddingSize { get; set; }

    /// <summary>For custom dimensions: the number of transformer blocks.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Dimensions)]
    [ValidateRange(1, int.MaxValue)]
    public int LayerCount { get; set; }

    /// <summary>For custom dimensions: the number of attention heads of a block.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Dimensions)]
    [ValidateRange(1, int.MaxValue)]
    public int HeadCount { get; set; }

    /// <summary>Creates query, key and value projections without bias.</summary>
    [Parameter(ParameterSetName = ParameterSets.Dimensions)]
    public SwitchParameter NoQkvBias { get; set; }

    /// <summary>The seed of the random numbers. The same seed gives the same weights.</summary>
    [Parameter]
    public long Seed { get; set; } = GeneratedCheckpoint.Seed;

    /// <summary>The element type: Float32, Float16 or BFloat16.</summary>
    [Parameter]
    [EnumNames<CastDType>]
    public CastDType DType { get; set; } = CastDType.Float32;

    /// <summary>Creates only shapes: no weights, no memory.</summary>
    [Parameter]
    public SwitchParameter Meta { get; set; }

    /// <summary>The device of the weights.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    [ValidateNotNullOrEmpty]
    public string Device { get => field ?? DeviceRegistry.Default; set; }

    /// <summary>The name of the model; by default its size.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Attempt(ParameterSetName == ParameterSets.Size ? Size : Name, () =>
    {
        GptConfig config = ParameterSetName == ParameterSets.Size
            ? GptConfig.FromSize(Size)
            : new GptConfig(VocabularySize, ContextLength, EmbeddingSize, LayerCount, HeadCount, !NoQkvBias);
        var model = new LoadedGptModel(Name ?? config.SizeName ?? "gpt", config, config.ToSpec((DType)DType));
        if (!Meta)
        {
            Fill(model, config);
        }
        Session.Add(model);
        WriteObject(model);
    });

    private void Fill(LoadedGptModel model, GptConfig config)
    {
        var source = new GptInitializer(config, Seed, (DType)DType);
        long bytes = source.StorageLengths.Sum();
        WriteVerbose(string.Create(CultureInfo.InvariantCulture, $"Building {model.Name}: {bytes} bytes on {Device}, seed {Seed}."));
        IDevice device = DeviceRegistry.Open(Device);
        try
        {
            LoadedWeights weights =
                Pump($"Building {model.Name}", Device, bytes, (done, stop) => ModelBuilder.Build(source, device, done, stop));
            Session.Observe(device);
            model.TakeBuilt(weights, device);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }
}
