namespace MemLoad;

/// <summary>
/// A limit on the size of files (<c>ulimit -f</c>) ends the process that exceeds it, unless the process handles the signal. The write then
/// fails like a full disk.
/// </summary>
internal static class FileSizeLimit
{
    private const int Exceeded = 25; // SIGXFSZ on Linux and macOS

    private static readonly Lazy<IDisposable?> Listening = new(
        () => OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create((PosixSignal)Exceeded, context => context.Cancel = true));

    /// <summary>Makes exceeding the limit an error for the rest of the process. Call it before a file or a memory file grows.</summary>
    public static void IsError() => _ = Listening.Value;
}
