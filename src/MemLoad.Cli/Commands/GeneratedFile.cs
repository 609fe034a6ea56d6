namespace MemLoad.Cli;

/// <summary>The generated checkpoint in the cache folder. It is written once, with a progress bar.</summary>
internal static class GeneratedFile
{
    public static string Ensure(string size, CliConsole console, CancellationToken cancellationToken)
    {
        using var status = new StatusLine(console);
        return GeneratedCheckpoint.Ensure(size, status.Bytes($"making {size} once", GeneratedCheckpoint.BytesToWrite(size)),
            cancellationToken);
    }
}
