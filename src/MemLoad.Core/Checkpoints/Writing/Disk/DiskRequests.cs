using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// The system calls that flush written data to the disk. Tests replace them, to observe the calls.
/// </summary>
internal static class DiskRequests
{
    /// <summary>Returns when the content of a file is on the disk.</summary>
    public static Action<SafeFileHandle> FlushFile { get; set; } = RandomAccess.FlushToDisk;

    /// <summary>Returns when the names in an open folder are on the disk (Linux).</summary>
    public static Func<int, int> SyncFolder { get; set; } = NativeFiles.Sync;
}
