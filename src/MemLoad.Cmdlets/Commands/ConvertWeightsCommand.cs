namespace MemLoad.Commands;

/// <summary>Writes checkpoints, or a part of them, in another format, in bounded memory.</summary>
[Cmdlet(VerbsData.Convert, "Weights", SupportsShouldProcess = true, DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(FileInfo), typeof(DirectoryInfo))]
public sealed class ConvertWeightsCommand : NarrowingPathCmdlet
{
    /// <summary>The file or folder to write, or an existing folder to write into; by default in the folder of the source.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Destination { get; set; }

    /// <summary>The format; by default the extension of the destination determines it.</summary>
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
    protected override void ProcessPath(string path)
    {
        Checkpoint source = Open(path);
        Write(Job(source, path), $"Convert {path}", $"Converting {path}");
    }

    private WriteJob Job(Checkpoint source, string path)
    {
        if (MaxShardSize is not long most)
        {
            (string target, CheckpointFormat format) = Target(path);
            return new WriteJob(source, target, format, Force);
        }
        string shards = PathResolver.Optional(SessionState.Path, Destination) ?? FormatNames.DefaultTargetOf(path);
        TargetWriter.RequireShards(shards, Format);
        return new WriteJob(source, shards, most, Force);
    }

    private (string Path, CheckpointFormat Format) Target(string source)
    {
        string? given = PathResolver.Optional(SessionState.Path, Destination);
        bool isInto = given is not null && Directory.Exists(given) && Format is not (null or WeightFormat.Folder);
        if (given is not null && !isInto)
        {
            return (given, TargetWriter.FormatOf(Format, given));
        }
        if (Format is null)
        {
            throw Rules.FormatNotWritable.Broken("neither -Format nor -Destination gives the format", source,
                remedy: "Add -Format Pth, Safetensors or Folder, or -Destination.");
        }
        CheckpointFormat format = TargetWriter.FormatOf(Format, "");
        string target = given is null ? FormatNames.DefaultTargetOf(source) : System.IO.Path.Combine(given, FormatNames.NameOf(source));
        return (target + FormatNames.ExtensionOf(format), format);
    }
}
