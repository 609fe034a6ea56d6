using System.Runtime.InteropServices;

namespace MemLoad.Torch;

/// <summary>
/// Keeps the handlers of the signals by which .NET learns of null references: libraries that come with some libtorch (UCX, of Linux distributions'
/// builds) take them when they are loaded, and the next null reference would end the process instead of being an exception.
/// </summary>
internal static unsafe partial class SignalHandlers
{
    // More than any system's struct sigaction takes.
    private const int HandlerBytes = 512;

    // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV.
    private static readonly int[] Signals = [4, 5, 7, 8, 11];

    /// <summary>Does something after which the handlers are what they were.</summary>
    public static void KeepWhile(Action work)
    {
        if (!OperatingSystem.IsLinux())
        {
            work();
            return;
        }
        byte* saved = stackalloc byte[HandlerBytes * Signals.Length];
        for (int i = 0; i < Signals.Length; i++)
        {
            _ = Action(Signals[i], null, saved + (i * HandlerBytes));
        }
        try
        {
            work();
        }
        finally
        {
            for (int i = 0; i < Signals.Length; i++)
            {
                _ = Action(Signals[i], saved + (i * HandlerBytes), null);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "sigaction")]
    private static partial int Action(int signal, byte* handler, byte* previous);
}
