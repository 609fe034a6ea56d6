namespace MemLoad.Cli;

/// <summary>What the process returns.</summary>
internal static class ExitCode
{
    /// <summary>All done.</summary>
    public const int Done = 0;
    /// <summary>A load failed or a file is unsound.</summary>
    public const int Failed = 1;
    /// <summary>The command line makes no sense.</summary>
    public const int Usage = 2;
    /// <summary>Interrupted, as shells count it: 128 and SIGINT.</summary>
    public const int Interrupted = 130;
}
