namespace MemLoad;

/// <summary>
/// The thread that the kernel signals before it breaks a lease (Linux). It only waits for that signal, and it exists as long as the
/// process. A thread that sets a lease can end before the lease, and all threads of the pool can be busy for minutes.
/// </summary>
internal static unsafe partial class LeaseSignals
{
    /// <summary>SIGURG. The default signal, SIGIO, ends a process that does not handle it. SIGURG is ignored by default.</summary>
    public const int Signal = 23;

    private const int Block = 0; // SIG_BLOCK
    private const int SetBytes = 128; // sigset_t
    private const int StackBytes = 256 << 10;

    private static readonly Lock Starting = new();
    private static int? _listener;

    /// <summary>Returns the kernel id of the thread, and starts the thread at first use. Null if there is no thread.</summary>
    /// <param name="received">The callback for every signal. The callback of the first call is used.</param>
    public static int? Listener(Action received)
    {
        lock (Starting)
        {
            if (_listener is null)
            {
                using var started = new ManualResetEventSlim();
                new Thread(() => Listen(received, started), StackBytes) { IsBackground = true, Name = "MemLoad leases" }.Start();
                started.Wait();
            }
            return _listener;
        }
    }

    private static void Listen(Action received, ManualResetEventSlim started)
    {
        byte* signals = stackalloc byte[SetBytes];
        // A blocked signal stays pending for this thread. Other threads would ignore it.
        int? number = Empty(signals) == 0 && Add(signals, Signal) == 0 && Mask(Block, signals, null) == 0 ? ThreadNumber() : null;
        _listener = number;
        started.Set();
        while (number is not null)
        {
            if (Await(signals, null) == Signal)
            {
                received();
            }
        }
    }

    // "PID/task/TID". A different process id belongs to another namespace, and the kernel would signal another process.
    private static int? ThreadNumber()
    {
        try
        {
            return new FileInfo("/proc/thread-self").LinkTarget?.Split('/') is [string process, "task", string thread]
                && int.TryParse(process, out int id) && id == Environment.ProcessId && int.TryParse(thread, out int number) ? number : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "sigemptyset")]
    private static partial int Empty(byte* signals);

    [LibraryImport("libc", EntryPoint = "sigaddset")]
    private static partial int Add(byte* signals, int signal);

    [LibraryImport("libc", EntryPoint = "pthread_sigmask")]
    private static partial int Mask(int how, byte* signals, byte* before);

    [LibraryImport("libc", EntryPoint = "sigwaitinfo")]
    private static partial int Await(byte* signals, void* information);
}
