namespace MemLoad.Cli;

/// <summary>The exit codes of the process.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1; // a load failed or a file is unsound
    public const int Usage = 2;
    public const int Interrupted = 130; // 128 plus SIGINT, as shells count it
}
