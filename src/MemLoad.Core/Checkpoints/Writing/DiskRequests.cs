using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// The requests to the system that make what was written survive a power cut. Tests put their own in place, to see when each is made.
/// </summary>
internal static class DiskRequests
{
    /// <summary>Returns once the content of a file lies on the disk.</summary>
    public static Action<SafeFileHandle> FlushFile { get; set; } = RandomAccess.FlushToDisk;

    /// <summary>Returns once the names in a folder, by its descriptor, lie on the disk (Linux).</summary>
    public static Func<int, int> SyncFolder { get; set; } = NativeFiles.Sync;
}
