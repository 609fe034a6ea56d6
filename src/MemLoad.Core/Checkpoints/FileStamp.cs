using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// Which file it is and in what state: two equal stamps mean the same bytes, unless somebody set the file's times back. A file that was replaced is
/// another file; one that was written to has another time, once the clock that file systems use has ticked.
/// </summary>
/// <param name="Length">Bytes.</param>
/// <param name="Modified">When its content last changed, in 100 ns as <see cref="DateTime.Ticks"/> counts them, UTC.</param>
/// <param name="Device">The file system; 0 where the system does not say (macOS).</param>
/// <param name="Inode">The file's number there; 0 where the system does not say.</param>
internal readonly record struct FileStamp(long Length, long Modified, ulong Device, ulong Inode)
{
    // Kernels stamp files with a clock that ticks 100 to 1000 times a second.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(20);

    /// <summary>The stamp of an open file.</summary>
    /// <exception cref="IOException">The file system does not answer.</exception>
    public static FileStamp Of(SafeFileHandle file) => LinuxFileStatus.Of(file) is { } status
        ? new FileStamp(status.Length, DateTime.UnixEpoch.Ticks + (status.ModifiedNanoseconds / 100), status.Device, status.Inode)
        : OfOthers(file);

    /// <summary>Whether the file was written to so lately that a write after this stamp could bear the same time.</summary>
    public bool IsFresh => Math.Abs(DateTime.UtcNow.Ticks - Modified) < Tick.Ticks;

    /// <summary>How long to wait before a stamp taken anew tells every later write.</summary>
    public static TimeSpan Settling => Tick;

    private static FileStamp OfOthers(SafeFileHandle file)
    {
        (ulong volume, ulong id) = OperatingSystem.IsWindows() ? WindowsFiles.IdOf(file) : default;
        return new FileStamp(RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file).Ticks, volume, id);
    }

    /// <summary>What became of the file since this stamp, for people.</summary>
    public string Difference(FileStamp now) =>
        (now.Device, now.Inode) != (Device, Inode) ? "the file was replaced by another"
        : now.Length != Length ? $"the file had {Length} bytes when it was opened and has {now.Length} now"
        : "the file was written to after it was opened";
}
