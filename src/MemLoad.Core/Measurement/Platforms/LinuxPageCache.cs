using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>The page cache of one file on Linux: cachestat(2) or mincore(2) to look, posix_fadvise(2) to evict.</summary>
internal static unsafe partial class LinuxPageCache
{
    private const long CacheStat = 451; // The same on every architecture; Linux 6.5.
    private const int EffectiveUser = 0x200; // AT_EACCESS
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int MayWrite = 2; // W_OK
    private const int NoSystemCall = 38; // ENOSYS
    private const uint OverlayMagic = 0x794c7630; // OVERLAYFS_SUPER_MAGIC
    private const int WindowPages = 16 * 1024;

    public static bool IsSupported => FileAdvice.IsSupported;

    /// <summary>Bytes of a file that are cached, or null where the kernel does not tell this user.</summary>
    public static long? CachedBytes(CheckpointFileReader file)
    {
        SafeFileHandle handle = file.Handle;
        ulong* range = stackalloc ulong[] { 0, 0 }; // struct cachestat_range: offset and length. A length of 0 means to the end.
        ulong* pages = stackalloc ulong[5]; // struct cachestat begins with the pages that are cached
        if (CallCacheStat(CacheStat, handle, range, pages, 0) == 0)
        {
            // An overlay file system, as most containers have, keeps its pages under another inode: the answer is then always 0.
            return *pages == 0 && MappingSafety.FileSystemOf(handle) is 0 or OverlayMagic
                ? Resident(file) : Bytes(*pages, file.Length);
        }
        // Any refusal but a kernel too old for the question means that this user is not told.
        return Marshal.GetLastPInvokeError() == NoSystemCall ? Resident(file) : null;
    }

    /// <summary>Writes out what is dirty, then asks the kernel to forget the file's pages.</summary>
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
            throw Rules.ReadFailed.Broken($"the file cannot be flushed to disk: {e.Message.TrimEnd('.')}", file.Path, innerException: e);
        }
        int error = FileAdvice.Give(handle, 0, 0, FileAdvice.DontNeed);
        if (error != 0)
        {
            throw Rules.ReadFailed.Broken(
                $"the file system refuses to drop the file's pages: {Marshal.GetPInvokeErrorMessage(error)}", file.Path,
                    remedy: Rules.PageCacheFixed.Remedy);
        }
    }

    /// <summary>Counts through a mapping, which is never touched. The kernel calls every page of another user's file resident.</summary>
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
            return null; // A file system without mappings.
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

    // The last page is counted whole; a file that is cached whole must come out at its length.
    private static long Bytes(ulong pages, long length) => (long)Math.Min(pages * (ulong)Environment.SystemPageSize, (ulong)length);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long CallCacheStat(long number, SafeFileHandle file, ulong* range, ulong* pages, uint flags);

    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    private static partial int Incore(byte* address, nuint length, byte* states);

    [LibraryImport("libc", EntryPoint = "faccessat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(int folder, string path, int mode, int flags);
}
