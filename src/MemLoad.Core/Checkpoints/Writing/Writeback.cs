using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// Keeps the disk at work while a file is written, so that the last flush of a large one does not wait for gigabytes, deaf to cancellation. Use from
/// one thread at a time.
/// </summary>
internal sealed partial class Writeback(SafeFileHandle file)
{
    // So much of the file may be on its way to the disk.
    private const long Behind = 256 << 20;

    // Where nothing starts a flush without waiting for it, flushes are few.
    private const long BytesBetweenFlushes = 32 << 20;

    private const long Boundary = 4 << 20;

    private const uint WaitBefore = 1; // SYNC_FILE_RANGE_WAIT_BEFORE
    private const uint Start = 2; // SYNC_FILE_RANGE_WRITE
    private const uint WaitAfter = 4; // SYNC_FILE_RANGE_WAIT_AFTER
    private static readonly int[] Unsupported = [22, 29, 38]; // EINVAL, ESPIPE, ENOSYS: not here; the last flush does all

    private long _started;
    private long _waitedFor;

    /// <summary>Told how much of the file has been handed to the operating system.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void WroteUpTo(long end)
    {
        // What was not yet filled to a boundary would be written twice.
        end -= end % Boundary;
        if (!OperatingSystem.IsLinux())
        {
            if (end - _started >= BytesBetweenFlushes)
            {
                RandomAccess.FlushToDisk(file);
                _started = end;
            }
            return;
        }
        if (end > _started)
        {
            Sync(_started, end - _started, Start);
            _started = end;
        }
        if (end - Behind > _waitedFor)
        {
            Sync(_waitedFor, end - Behind - _waitedFor, WaitBefore | Start | WaitAfter);
            _waitedFor = end - Behind;
        }
    }

    private void Sync(long offset, long length, uint flags)
    {
        if (SyncFileRange(file, offset, length, flags) != 0 && Marshal.GetLastPInvokeError() is var error && !Unsupported.Contains(error))
        {
            // It is told once: the last flush would not hear of it again. The number as .NET gives it on Unix.
            throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
        }
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);
}
