using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// Starts disk writes while a file is written. Otherwise the last flush of a large file would wait for gigabytes and could not be canceled.
/// Use it from one thread at a time.
/// </summary>
internal sealed partial class Writeback(SafeFileHandle file)
{
    // The maximum number of bytes that wait for the disk.
    private const long Behind = 256 << 20;

    // If the system cannot start a flush without waiting, flushes are rare.
    private const long BytesBetweenFlushes = 32 << 20;

    private const long Boundary = 4 << 20;

    private const uint WaitBefore = 1; // SYNC_FILE_RANGE_WAIT_BEFORE
    private const uint Start = 2; // SYNC_FILE_RANGE_WRITE
    private const uint WaitAfter = 4; // SYNC_FILE_RANGE_WAIT_AFTER
    private static readonly int[] Unsupported = [22, 29, 38]; // EINVAL, ESPIPE, ENOSYS: not supported; the last flush writes all data

    private long _started;
    private long _waitedFor;

    /// <summary>Receives the number of bytes of the file that were passed to the operating system.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void WroteUpTo(long end)
    {
        // A page that is not complete would be written twice.
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
            // The system reports the error only once, and the last flush would not report it again. The number is that of .NET on Unix.
            throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
        }
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);
}
