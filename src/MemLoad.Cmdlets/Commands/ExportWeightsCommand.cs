namespace MemLoad.Commands;

/// <summary>Writes a model's weights to a checkpoint.</summary>
[Cmdlet(VerbsData.Export, "Weights", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo), typeof(DirectoryInfo))]
public sealed class ExportWeightsCommand : MemLoadCmdlet
{
    private string _path = "";
    private CheckpointFormat _format;

    /// <summary>The model, its name or its id.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ModelTransformation]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [ValidateNotNull]
    public LoadedGptModel? Model { get; set; }

    /// <summary>The file or folder to write, taken literally.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [Alias("Path", "LiteralPath")]
    [ValidateNotNullOrEmpty]
    public string Destination { get; set; } = "";

    /// <summary>The format; by default the extension of the name determines it, and a name without extension is a folder.</summary>
    [Parameter]
    [EnumNames<WeightFormat?>]
    public WeightFormat? Format { get; set; }

    /// <summary>Writes safetensors files of at most this size in bytes, and their index, into a folder.</summary>
    [Parameter]
    [Bytes]
    [AtLeast(1)]
    public long? MaxShardSize { get; set; }

    /// <summary>Replaces an existing target.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => Require(Destination, () =>
    {
        _path = PathResolver.Literal(SessionState.Path, Destination);
        if (MaxShardSize is not null)
        {
            TargetWriter.RequireShards(_path, Format);
            CheckpointWriter.RequireWritableShards(_path, Force);
            return;
        }
        _format = TargetWriter.FormatOf(Format, _path);
        CheckpointWriter.RequireWritable(_path, _format, Force);
    });

    /// <inheritdoc/>
    protected override void ProcessRecord() => Attempt(Destination, () =>
    {
        using HeldWeights held = Model!.Hold();
        WriteJob job = MaxShardSize is long most ? new(held.Weights, _path, most, Force) : new(held.Weights, _path, _format, Force);
        Write(job, "Write", $"Writing {Model.Name}");
    });
}
