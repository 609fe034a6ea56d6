using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>
/// The thread that the kernel signals when a lease is to be broken (Linux). It does nothing but wait for that signal and lives as long as the process:
/// a thread that takes a lease may end before the lease does, and threads of the pool may all be busy for minutes.
/// </summary>
internal static unsafe partial class LeaseSignals
{
    /// <summary>SIGURG. The usual one, SIGIO, ends a process that does not expect it; this one is ignored by whoever does not wait for it.</summary>
    public const int Signal = 23;

    private const int Block = 0; // SIG_BLOCK
    private const int SetBytes = 128; // sigset_t
    private const int StackBytes = 256 << 10;

    private static readonly Lock Starting = new();
    private static int? _listener;

    /// <summary>The thread's number in the kernel, started when first asked for; null where there is none.</summary>
    /// <param name="received">What it calls for every signal. The first caller's is taken.</param>
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
        // A blocked signal is kept for this thread, where every other would ignore it.
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

    // "PID/task/TID". Another process number than ours would be of another name space, and the kernel would signal somebody else.
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
