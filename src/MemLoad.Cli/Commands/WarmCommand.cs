using System.CommandLine;

namespace MemLoad.Cli;

/// <summary><c>memload warm</c>: reads the files of a checkpoint into the page cache.</summary>
internal static class WarmCommand
{
    public const string Description =
        "Read the files of a checkpoint into the page cache, so that a later load does not wait for a slow disk or a network.";

    public static Command Build(CliConsole console)
    {
        var path = new PathOperand();
        Option<string?> key = CommonOptions.Key();
        Option<string[]> include = CommonOptions.Include();
        Option<string[]> exclude = CommonOptions.Exclude();
        Option<bool> allowOpaque = CommonOptions.AllowOpaque();
        var dryRun = new Option<bool>("--dry-run")
        {
            Description = "Only print what is in the page cache, and what would be read.",
        };
        var force = new Option<bool>("--force")
        {
            Description = "Read files that are larger than the available memory, too.",
        };
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("warm", Description)
        {
            key, include, exclude, allowOpaque, dryRun, force, format,
        };
        path.AddTo(command);
        command.Runs((parsed, cancellationToken) =>
        {
            Checkpoint checkpoint = Checkpoint.OpenSelected(
                path.Read(parsed)!, parsed.GetValue(key), parsed.GetValue(include) ?? [], parsed.GetValue(exclude) ?? [],
                parsed.GetValue(allowOpaque), cancellationToken);
            var cache = new WeightCache(checkpoint);
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
        string files = $"{Units.Count(state.FileCount, "file")}, {Printable.Bytes(state.FileBytes)}";
        string where = state.FileSystem is string system ? $" on {Printable.Text(system)}" : "";
        string cached = state.CachedBytes is long now ? $"; {Printable.Bytes(now)} in the page cache" : "";
        string before = state is { ElapsedMicroseconds: not null, CachedBytesAtStart: long old } ? $", {Printable.Bytes(old)} before" : "";
        string time = state.ElapsedMicroseconds is long microseconds
            ? $"; {Figures.Time(microseconds)}, {Figures.Speed(state.BytesPerSecond)}"
            : "";
        return $"{Printable.Text(state.Path)}: {files}{where}{cached}{before}{time}";
    }
}
