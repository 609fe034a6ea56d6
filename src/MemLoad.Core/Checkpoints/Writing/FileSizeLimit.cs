using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>A limit on the size of files (<c>ulimit -f</c>) ends the process that exceeds it, unless it listens: then it is an error like a full disk.</summary>
internal static class FileSizeLimit
{
    private const int Exceeded = 25; // SIGXFSZ on Linux and macOS

    private static readonly Lazy<IDisposable?> Listening = new(
        () => OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create((PosixSignal)Exceeded, context => context.Cancel = true));

    /// <summary>From now on exceeding the limit is an error, for as long as the process lives. To be called before a file or a memory file grows.</summary>
    public static void IsError() => _ = Listening.Value;
}
