using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// The page cache of one file on Linux. It is queried with cachestat(2) or mincore(2), and evicted with posix_fadvise(2).
/// </summary>
internal static unsafe partial class LinuxPageCache
{
    private const long CacheStat = 451; // the same on every architecture, since Linux 6.5
    private const int EffectiveUser = 0x200; // AT_EACCESS
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int MayWrite = 2; // W_OK
    private const int NoSystemCall = 38; // ENOSYS
    private const uint OverlayMagic = 0x794c7630; // OVERLAYFS_SUPER_MAGIC
    private const int WindowPages = 16 * 1024;

    public static bool IsSupported => FileAdvice.IsSupported;

    /// <summary>Returns the cached bytes of a file; null if the kernel does not report them to this user.</summary>
    public static long? CachedBytes(CheckpointFileReader file)
    {
        SafeFileHandle handle = file.Handle;
        ulong* range = stackalloc ulong[] { 0, 0 }; // struct cachestat_range: offset and length. A length of 0 means to the end.
        ulong* pages = stackalloc ulong[5]; // struct cachestat begins with the pages that are cached
        if (CallCacheStat(CacheStat, handle, range, pages, 0) == 0)
        {
            // An overlay file system, which most containers have, keeps its pages under another inode. The result is then always 0.
            return *pages == 0 && MappingSafety.FileSystemOf(handle) is 0 or OverlayMagic
                ? Resident(file) : Bytes(*pages, file.Length);
        }
        // ENOSYS means that the kernel is too old for the call. Any other error means that the kernel does not report the figure to this
        // user.
        return Marshal.GetLastPInvokeError() == NoSystemCall ? Resident(file) : null;
    }

    /// <summary>Writes the dirty pages to the disk, and then requests that the kernel evicts the file's pages.</summary>
    /// <exception cref="MemLoadException">ML1007.</exception>
    public static void Evict(CheckpointFileReader file)
    {
        SafeFileHandle handle = file.Handle;
        try
        {
            RandomAccess.FlushToDisk(handle);
        }
        catch (IOException e)
        {
            throw Rules.ReadFailed.Broken($"the file cannot be flushed to disk: {SystemReason.Of(e)}", file.Path, innerException: e);
        }
        int error = FileAdvice.Give(handle, 0, 0, FileAdvice.DontNeed);
        if (error != 0)
        {
            throw Rules.ReadFailed.Broken(
                $"the file system refuses to drop the file's pages: {Marshal.GetPInvokeErrorMessage(error)}", file.Path,
                    remedy: Rules.PageCacheFixed.Remedy);
        }
    }

    /// <summary>Counts with a mapping that is never touched. The kernel reports every page of another user's file as resident.</summary>
    internal static long? Resident(CheckpointFileReader file)
    {
        if (Access(CurrentFolder, file.Path, MayWrite, EffectiveUser) != 0)
        {
            return null;
        }
        try
        {
            using var mapped = MemoryMappedFile.CreateFromFile(
                file.Handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            using MemoryMappedViewAccessor view = mapped.CreateViewAccessor(0, file.Length, MemoryMappedFileAccess.Read);
            byte* address = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
            try
            {
                return Resident(address, file.Length);
            }
            finally
            {
                view.SafeMemoryMappedViewHandle.ReleasePointer();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // the file system does not support mappings
        }
    }

    private static long? Resident(byte* address, long length)
    {
        byte* states = stackalloc byte[WindowPages];
        long window = (long)WindowPages * Environment.SystemPageSize;
        ulong pages = 0;
        for (long offset = 0; offset < length; offset += window)
        {
            long bytes = Math.Min(window, length - offset);
            if (Incore(address + offset, (nuint)bytes, states) != 0)
            {
                return null;
            }
            int count = (int)((bytes + Environment.SystemPageSize - 1) / Environment.SystemPageSize);
            for (int i = 0; i < count; i++)
            {
                pages += (uint)states[i] & 1;
            }
        }
        return Bytes(pages, length);
    }

    // The last page counts as a whole page. The result for a completely cached file must be the length of the file.
    private static long Bytes(ulong pages, long length) => (long)Math.Min(pages * (ulong)Environment.SystemPageSize, (ulong)length);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long CallCacheStat(long number, SafeFileHandle file, ulong* range, ulong* pages, uint flags);

    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    private static partial int Incore(byte* address, nuint length, byte* states);

    [LibraryImport("libc", EntryPoint = "faccessat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(int folder, string path, int mode, int flags);
}
