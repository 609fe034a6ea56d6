namespace MemLoad.Cli;

/// <summary><c>memload warm</c>: reads the files of a checkpoint into the page cache.</summary>
internal static class WarmCommand
{
    public const string Description =
        "Read the files of a checkpoint into the page cache, so that a later load does not wait for a slow disk or a network.";

    public static Command Build(CliConsole console)
    {
        var path = new PathOperand();
        var tensors = new TensorOptions();
        var dryRun = new Option<bool>("--dry-run")
        {
            Description = "Only print what is in the page cache, and what would be read.",
        };
        var force = new Option<bool>("--force")
        {
            Description = "Also read files that are larger than the available memory.",
        };
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("warm", Description);
        tensors.AddTo(command);
        command.AddAll(dryRun, force, format);
        path.AddTo(command);
        command.Runs((parsed, cancellationToken) =>
        {
            var cache = new WeightCache(tensors.Open(path.Read(parsed)!, parsed, cancellationToken));
            WeightCacheInfo state = cache.State;
            if (!parsed.GetValue(dryRun))
            {
                using var status = new StatusLine(console);
                state = cache.Warm(parsed.GetValue(force), status.Bytes("reading", state.FileBytes, announced: true), cancellationToken);
            }
            RowOutput.WriteOne(state, format.Read(parsed), JsonOutput.Types.WeightCacheInfo, Text(state), console);
            return ExitCode.Done;
        });
        return command;
    }

    private static string Text(WeightCacheInfo state)
    {
        string files = $"{Figures.Count(state.FileCount, "file")}, {Printable.Bytes(state.FileBytes)}";
        string where = state.FileSystem is string system ? $" on {Printable.Text(system)}" : "";
        string cached = state.CachedBytes is long now ? $"; {Printable.Bytes(now)} in the page cache" : "";
        string before = state is { ElapsedMicroseconds: not null, CachedBytesAtStart: long old } ? $", {Printable.Bytes(old)} before" : "";
        string time = state.ElapsedMicroseconds is long microseconds
            ? $"; {Figures.Time(microseconds)}, {Figures.Speed(state.BytesPerSecond)}"
            : "";
        return $"{Printable.Text(state.Path)}: {files}{where}{cached}{before}{time}";
    }
}
