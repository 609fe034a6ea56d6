using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// A read lease on a file (Linux, fcntl(2)): whoever opens the file for writing or cuts it short, waits until the holder has been told and has let
/// go, at most <c>/proc/sys/fs/lease-break-time</c> seconds (45). Leases are given to the file's owner (or with CAP_LEASE), by local file systems,
/// while nobody has the file open for writing.
/// </summary>
internal sealed partial class FileLease : IDisposable
{
    /// <summary>Why no lease was given: somebody has the file open for writing.</summary>
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

    private readonly Lock _letting = new();
    private readonly SafeFileHandle _file;
    private readonly Action _broken;
    private bool _held;

    private FileLease(SafeFileHandle file, Action broken)
    {
        _file = file;
        _broken = broken;
    }

    /// <summary>Takes a lease.</summary>
    /// <param name="file">Open for reading only; must stay open until the lease is disposed.</param>
    /// <param name="broken">Called once, on a thread of its own, when somebody is about to write; they wait until it returns. Never after
    /// <see cref="Dispose"/> has returned.</param>
    /// <param name="error">Why there is none: an error number of the system.</param>
    public static unsafe FileLease? TryTake(SafeFileHandle file, Action broken, out int error)
    {
        var lease = new FileLease(file, broken);
        error = NoThread;
        lock (lease._letting)
        {
            if (LeaseSignals.Listener(CheckAll) is int listener)
            {
                lock (Gate)
                {
                    Live.Add(lease); // before it is taken: a signal must find it
                }
                // Before the lease too: unless told otherwise the kernel signals the thread that takes it, and nobody once that thread has ended.
                Owner owner = new(OwnerIsThread, listener);
                lease._held = Control(file, SetSignal, LeaseSignals.Signal) == 0 && Control(file, SetOwner, &owner) == 0 && Control(file, Set, Read) == 0;
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
        lock (_letting)
        {
            LetGo();
        }
    }

    // Signals do not queue: one may stand for several leases.
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
        lock (_letting)
        {
            // While it is being broken the kernel names what it is to become.
            if (_held && Control(_file, Get, 0) != Read)
            {
                _broken();
                LetGo();
            }
        }
    }

    private void LetGo()
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
