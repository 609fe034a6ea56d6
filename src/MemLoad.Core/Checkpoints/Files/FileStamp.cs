using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// The identity and the state of a file. Two equal stamps mean the same bytes, unless a program reset the times of the file. A replacement
/// is another file. A file that was written to has another time after the next tick of the file system clock.
/// </summary>
/// <param name="Length">Bytes.</param>
/// <param name="Modified">The UTC time of the last change of the content, in units of 100 ns as <see cref="DateTime.Ticks"/>.</param>
/// <param name="Device">The file system. 0 on systems other than Linux.</param>
/// <param name="Inode">The number of the file in the file system. 0 if the system does not provide it.</param>
internal readonly record struct FileStamp(long Length, long Modified, ulong Device, ulong Inode)
{
    /// <summary>
    /// The time to wait before a new stamp detects every later write. Kernels use a clock with 100 to 1000 ticks per second for file times.
    /// </summary>
    public static TimeSpan Settling { get; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The stamp of an open file.</summary>
    /// <exception cref="IOException">The file system does not answer.</exception>
    public static FileStamp Of(SafeFileHandle file) => LinuxFileStatus.Of(file) is { } status
        ? new FileStamp(status.Length, DateTime.UnixEpoch.Ticks + (status.ModifiedNanoseconds / 100), status.Device, status.Inode)
        : OfOthers(file);

    /// <summary>Whether the last write is so recent that a later write could have the same time.</summary>
    public bool IsFresh => Math.Abs(DateTime.UtcNow.Ticks - Modified) < Settling.Ticks;

    private static FileStamp OfOthers(SafeFileHandle file)
    {
        (ulong volume, ulong id) = OperatingSystem.IsWindows() ? WindowsFiles.IdOf(file) : default;
        return new FileStamp(RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file).Ticks, volume, id);
    }

    /// <summary>Describes the change of the file since this stamp, for messages.</summary>
    public string Difference(FileStamp now) =>
        (now.Device, now.Inode) != (Device, Inode) ? "the file was replaced by another file"
        : now.Length != Length ? $"the file had {Length} bytes when it was opened and has {now.Length} now"
        : "the file was written to after it was opened";
}
