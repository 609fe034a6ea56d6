using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>What an open file will be used for, told to the kernel (posix_fadvise(2), Linux).</summary>
internal static partial class FileAdvice
{
    /// <summary>POSIX_FADV_RANDOM: no readahead on this open file.</summary>
    public const int Random = 1;

    /// <summary>POSIX_FADV_WILLNEED: bring the range into the page cache in the background.</summary>
    public const int WillNeed = 3;

    /// <summary>POSIX_FADV_DONTNEED: forget the range's clean pages.</summary>
    public const int DontNeed = 4;

    // In a process of 64 bits off_t and size_t have 64 bits with every C library, so nothing here can be cut off.
    public static bool IsSupported => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    /// <summary>Gives advice where it is supported; a length of 0 means to the end of the file.</summary>
    /// <returns>0, or the error.</returns>
    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    public static partial int Give(SafeFileHandle file, long offset, long length, int advice);
}
