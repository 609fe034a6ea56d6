using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>A limit on the size of files (<c>ulimit -f</c>) ends the process that exceeds it, unless it listens: then it is an error like a full disk.</summary>
internal static class FileSizeLimit
{
    private const int Exceeded = 25; // SIGXFSZ on Linux and macOS

    /// <summary>Exceeding the limit is an error until this is disposed.</summary>
    public static IDisposable? AsError() =>
        OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create((PosixSignal)Exceeded, context => context.Cancel = true);
}
