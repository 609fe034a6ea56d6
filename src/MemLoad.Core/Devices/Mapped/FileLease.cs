using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// A read lease on a file (Linux, fcntl(2)). A program that opens the file for writing or truncates it waits until the holder has been
/// notified and has released the lease. It waits at most <c>/proc/sys/fs/lease-break-time</c> seconds (45). Local file systems grant a
/// lease to the owner of the file, or with CAP_LEASE, if no program has the file open for writing.
/// </summary>
internal sealed partial class FileLease : IDisposable
{
    /// <summary>The error if a program has the file open for writing.</summary>
    public const int HasWriters = 11; // EAGAIN

    private const int NoThread = 3; // ESRCH

    private const int SetSignal = 10; // F_SETSIG
    private const int SetOwner = 15; // F_SETOWN_EX
    private const int Set = 1024; // F_SETLEASE
    private const int Get = 1025; // F_GETLEASE
    private const int Read = 0; // F_RDLCK
    private const int None = 2; // F_UNLCK
    private const int OwnerIsThread = 0; // F_OWNER_TID

    private static readonly Lock Gate = new();
    private static readonly HashSet<FileLease> Live = [];

    private readonly Lock _releasing = new();
    private readonly SafeFileHandle _file;
    private readonly Action _broken;
    private bool _held;

    private FileLease(SafeFileHandle file, Action broken)
    {
        _file = file;
        _broken = broken;
    }

    /// <summary>Takes a lease.</summary>
    /// <param name="file">The file, open only for reading. It must stay open until the lease is disposed.</param>
    /// <param name="broken">Called once, on a separate thread, before another program writes. The program waits until it returns. It is not
    /// called after <see cref="Dispose"/> has returned.</param>
    /// <param name="error">The error number of the system if there is no lease.</param>
    public static unsafe FileLease? TryTake(SafeFileHandle file, Action broken, out int error)
    {
        var lease = new FileLease(file, broken);
        error = NoThread;
        lock (lease._releasing)
        {
            if (LeaseSignals.Listener(CheckAll) is int listener)
            {
                lock (Gate)
                {
                    Live.Add(lease); // added before the lease is set, because the signal handler must find it
                }
                // Set before the lease. By default the kernel signals the thread that sets the lease, and no thread after that thread has
                // ended.
                Owner owner = new(OwnerIsThread, listener);
                lease._held =
                    Control(file, SetSignal, LeaseSignals.Signal) == 0
                    && Control(file, SetOwner, &owner) == 0
                    && Control(file, Set, Read) == 0;
                error = lease._held ? 0 : Marshal.GetLastPInvokeError();
            }
        }
        if (lease._held)
        {
            return lease;
        }
        lease.Dispose();
        return null;
    }

    public void Dispose()
    {
        lock (Gate)
        {
            Live.Remove(this);
        }
        lock (_releasing)
        {
            Release();
        }
    }

    // Signals are not queued, so one signal can be for several leases.
    private static void CheckAll()
    {
        FileLease[] live;
        lock (Gate)
        {
            live = [.. Live];
        }
        foreach (FileLease lease in live)
        {
            lease.Check();
        }
    }

    private void Check()
    {
        lock (_releasing)
        {
            // During a break, the kernel returns the new type of the lease.
            if (_held && Control(_file, Get, 0) != Read)
            {
                _broken();
                Release();
            }
        }
    }

    private void Release()
    {
        if (_held)
        {
            _held = false;
            _ = Control(_file, Set, None);
        }
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static unsafe partial int Control(SafeFileHandle file, int command, Owner* argument);

    // struct f_owner_ex of fcntl(2)
    private readonly record struct Owner(int Kind, int Id);
}
