namespace MemLoad.Torch;

/// <summary>
/// Restores the signal handlers that .NET uses for null references. Some libraries of libtorch (UCX, in builds of Linux distributions)
/// replace them when they are loaded. The next null reference would then end the process instead of throwing an exception.
/// </summary>
internal static unsafe partial class SignalHandlers
{
    // More than the size of struct sigaction on any system.
    private const int HandlerBytes = 512;

    // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV.
    private static readonly int[] Signals = [4, 5, 7, 8, 11];

    /// <summary>Runs an action and restores the handlers after it.</summary>
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
