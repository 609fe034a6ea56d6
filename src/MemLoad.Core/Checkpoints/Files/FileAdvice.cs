using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>Informs the kernel about the future use of an open file (posix_fadvise(2), Linux).</summary>
internal static partial class FileAdvice
{
    /// <summary>POSIX_FADV_RANDOM: no readahead on this open file.</summary>
    public const int Random = 1;

    /// <summary>POSIX_FADV_WILLNEED: read the range into the page cache in the background.</summary>
    public const int WillNeed = 3;

    /// <summary>POSIX_FADV_DONTNEED: drop the clean pages of the range.</summary>
    public const int DontNeed = 4;

    // In a 64-bit process off_t and size_t have 64 bits in every C library, so no value is truncated.
    public static bool IsSupported => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    /// <summary>Gives the advice if the system supports it. A length of 0 means the range to the end of the file.</summary>
    /// <returns>0, or the error.</returns>
    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    public static partial int Give(SafeFileHandle file, long offset, long length, int advice);
}
