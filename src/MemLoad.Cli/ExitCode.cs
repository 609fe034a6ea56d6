namespace MemLoad.Cli;

/// <summary>The exit codes of the process.</summary>
internal static class ExitCode
{
    /// <summary>Success.</summary>
    public const int Done = 0;
    /// <summary>A load failed or a file is unsound.</summary>
    public const int Failed = 1;
    /// <summary>The command line is not valid.</summary>
    public const int Usage = 2;
    /// <summary>Interrupted: 128 plus SIGINT, as shells count it.</summary>
    public const int Interrupted = 130;
}
