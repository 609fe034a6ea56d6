namespace MemLoad.Cli;

/// <summary>The target and the format that <c>convert</c> and <c>new</c> write.</summary>
internal sealed class OutputTarget
{
    private readonly Option<string?> _out;

    private readonly WordOption<CheckpointFormat?> _to = CommonOptions.WritableFormats.Option(
        "--to", "The format to write. By default the extension of --out determines it, and a name without extension is a folder.");

    private readonly Option<bool> _force = CommonOptions.Force();

    private readonly Option<long?> _maxShardSize = Numbers.BytesOption("--max-shard-size",
        "Write safetensors files of at most this size and their index, named as transformers names them, into the folder --out.");

    public OutputTarget(bool required, string description) => _out = CommonOptions.Path("--out", description, required);

    public void AddTo(Command command)
    {
        command.AddAll(_out, _to, _maxShardSize, _force);
        command.Validators.Add(result =>
        {
            // Reading the value of --to here would hide an error in it.
            if (result.GetResult(_to) is null && result.GetResult(_maxShardSize) is null && result.GetValue(_out) is string path
                && FormatNames.FromPath(path) is null)
            {
                result.AddError($"The extension '{Path.GetExtension(path)}' of --out names no format: add --to "
                    + $"{string.Join('|', CommonOptions.WritableFormats.All)}");
            }
        });
    }

    public string? PathOf(ParseResult parsed) => parsed.GetValue(_out);

    /// <summary>Returns the requested format; <c>.pth</c> if none was given.</summary>
    public CheckpointFormat FormatOf(ParseResult parsed) =>
        _to.Read(parsed) ?? (parsed.GetValue(_out) is string path ? FormatNames.FromPath(path) : null) ?? CheckpointFormat.TorchZip;

    /// <summary>Writes with a progress bar, and prints what was written.</summary>
    public void Write(
        IWeightSource source, string path, ParseResult parsed, OutputFormat format, CliConsole console, CancellationToken cancellationToken)
    {
        WriteJob job = Job(source, path, parsed);
        WriteResult written;
        using (var status = new StatusLine(console))
        {
            written = job.Run(status.Bytes($"writing {Path.GetFileName(Path.TrimEndingDirectorySeparator(path))}", job.Bytes),
                cancellationToken);
        }
        if (job.LeftOut is string entries)
        {
            console.Error.WriteLine($"memload: {entries}");
        }
        string size = $"{Figures.Count(written.TensorCount, "tensor")}, {Printable.Bytes(written.FileBytes)}";
        RowOutput.WriteOne(written, format, JsonOutput.Types.WriteResult,
            $"{Printable.Text(written.Path)} ({written.Format}): {size}", console);
    }

    private WriteJob Job(IWeightSource source, string path, ParseResult parsed)
    {
        if (parsed.GetValue(_maxShardSize) is not long most)
        {
            return new WriteJob(source, path, FormatOf(parsed), parsed.GetValue(_force));
        }
        FormatNames.RequireShards(path, _to.Read(parsed));
        return new WriteJob(source, path, most, parsed.GetValue(_force));
    }
}
