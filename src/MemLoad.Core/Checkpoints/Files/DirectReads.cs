using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// Reads one file without changing the page cache. Large ranges that are not cached are read from the disk directly to memory (open(2),
/// O_DIRECT). For a cold file this is faster than the cache, uses little processor time, and evicts no other data. Some kernels and file
/// systems do not support direct reads, and other processes can load the same file. In both cases the caller reads through the cache.
/// Several loads of one file then share the cache.
/// </summary>
internal sealed unsafe partial class DirectReads(SafeFileHandle file) : IDisposable
{
    // The largest alignment that disks, files and memory need. For many disks, 512 is enough.
    private const int Block = 4096;

    // Smaller reads do not reach the speed of the disk. The readahead of the page cache helps the next small reads.
    private const int SmallestRead = CheckpointFileReader.FarApart;

    // The bytes outside the block boundaries of the destination: less than a block at its start, at its end, and before the range.
    private const int MostAside = 3 * Block;

    // Usually the whole of a cold file is cold. After a range that was not cached, this many ranges are not tested.
    private const int UntestedRanges = 15;

    // One page in each quarter of a range is tested.
    private const int Quarters = 4;

    private readonly Lazy<SafeFileHandle?> _probe = new(() => OpenProbe(file));
    private readonly Lazy<SafeFileHandle?> _direct = new(() => OpenAgain(file, Native.Direct));
    private volatile bool _refused;
    private volatile bool _needsDisk = !IsSupported;
    private volatile bool _isCached;
    private int _untested;

    private static bool IsSupported { get; } = FileAdvice.IsSupported
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    /// <summary>False while every large range was in the page cache. Reads then use processors and do not wait for a disk.</summary>
    public bool NeedsDisk => _needsDisk;

    /// <summary>
    /// Reads the first bytes of a range. Returns 0 if the caller must read them in another way. Several threads can call it.
    /// </summary>
    public int Read(long offset, Span<byte> destination)
    {
        if (!IsSupported || _refused || destination.Length < SmallestRead || !IsForTheDisk(offset, destination.Length, out int tested))
        {
            return 0;
        }
        if (_direct.Value is not SafeFileHandle direct)
        {
            _refused = true;
            return 0;
        }
        int read;
        fixed (byte* memory = destination)
        {
            read = ReadDirect(direct, offset, memory, destination.Length);
        }
        // A test fetches its page. If these pages stayed in the cache, the file would look cached to later loads.
        for (int quarter = 1; quarter <= tested; quarter++)
        {
            long place = LastOf(quarter, offset, destination.Length);
            long page = place - (place % Environment.SystemPageSize);
            _ = FileAdvice.Give(_probe.Value!, page, Environment.SystemPageSize, FileAdvice.DontNeed);
        }
        return read;
    }

    /// <summary>
    /// The file to read small ranges from. It has no readahead after the first direct read, because direct reads cover the neighbors.
    /// </summary>
    public SafeFileHandle ForSmallReads => _direct.IsValueCreated && !_refused && _probe.Value is SafeFileHandle calm ? calm : file;

    public void Dispose()
    {
        // A child process has a copy of each descriptor until it starts its program. Closing a descriptor does not release its lock then.
        if (_probe.IsValueCreated && _probe.Value is SafeFileHandle probe)
        {
            var unlocked = new FileLock { Type = Native.Unlocked };
            _ = Native.Control(probe, Native.SetLock, &unlocked);
        }
        foreach (Lazy<SafeFileHandle?> handle in new[] { _probe, _direct })
        {
            if (handle.IsValueCreated)
            {
                handle.Value?.Dispose();
            }
        }
    }

    // Tests pages that do not follow the start of a storage, because opening the checkpoint has read the headers before a storage. The
    // kernel fetches a page that is missing, and on this handle it fetches only that page. A page that arrives during its test looks
    // cached, so that a file must have several of them. If the range before was cached, two are enough.
    private bool IsForTheDisk(long offset, int length, out int tested)
    {
        tested = 0;
        if (_probe.Value is not SafeFileHandle probe)
        {
            _needsDisk = true;
            return false;
        }
        if (Interlocked.Decrement(ref _untested) >= 0)
        {
            return true;
        }
        byte one;
        var vector = new Vector(&one, 1);
        int step = _isCached ? 2 : 1;
        for (int quarter = step; quarter <= Quarters; quarter += step)
        {
            if (Native.Read(probe, &vector, 1, LastOf(quarter, offset, length), Native.NoWait) < 0)
            {
                tested = quarter;
                _isCached = false;
                _needsDisk = true;
                // Any error other than "try again" means that the file system does not support the test.
                _refused |= Marshal.GetLastPInvokeError() != Native.Again;
                if (_refused || IsSharedWithOthers(probe))
                {
                    return false;
                }
                Volatile.Write(ref _untested, UntestedRanges);
                return true;
            }
        }
        _isCached = true;
        return false;
    }

    private static long LastOf(int quarter, long offset, int length) => offset + ((long)length * quarter / Quarters) - 1;

    // Each load of a cold file holds a read lock on its open file. The lock affects only writers that use locks. A load that finds the lock
    // of another load reads through the cache. Without locks, each load reads directly.
    private static bool IsSharedWithOthers(SafeFileHandle probe)
    {
        var mine = new FileLock { Type = Native.ReadLock };
        _ = Native.Control(probe, Native.SetLock, &mine);
        var conflict = new FileLock { Type = Native.WriteLock };
        return Native.Control(probe, Native.GetLock, &conflict) == 0 && conflict.Type != Native.Unlocked;
    }

    // One request reads whole blocks. Most bytes go to the whole blocks of the destination and are then moved. The other bytes go to a
    // separate buffer.
    [SkipLocalsInit]
    private int ReadDirect(SafeFileHandle direct, long offset, byte* memory, int length)
    {
        byte* stack = stackalloc byte[MostAside + Block];
        byte* aside = AlignUp(stack);
        byte* blocks = AlignUp(memory);
        int before = (int)(offset % Block);
        int inBlocks = (int)(memory + length - blocks) / Block * Block;
        int beyond = (before + length - inBlocks + Block - 1) / Block * Block;
        Vector* vectors = stackalloc Vector[2] { new(blocks, (nuint)inBlocks), new(aside, (nuint)beyond) };
        long read = Native.Read(direct, vectors, 2, offset - before, 0);
        if (read < 0)
        {
            // The alignment is different, direct reads are not supported, or the disk failed. The next normal read reports the error.
            _refused = true;
            return 0;
        }
        int got = (int)Math.Min(read - before, length);
        if (got <= 0)
        {
            return 0;
        }
        int moved = Math.Min(got, inBlocks - before);
        Buffer.MemoryCopy(blocks + before, memory, length, moved);
        Buffer.MemoryCopy(aside, memory + moved, length - moved, got - moved);
        return got;
    }

    private static byte* AlignUp(byte* address) => (byte*)(((nint)address + Block - 1) / Block * Block);

    private static SafeFileHandle? OpenProbe(SafeFileHandle file)
    {
        SafeFileHandle? probe = OpenAgain(file, 0);
        if (probe is not null)
        {
            _ = FileAdvice.Give(probe, 0, 0, FileAdvice.Random);
        }
        return probe;
    }

    // Opens the same file again, even if its name now belongs to another file. Returns null if this is not possible.
    private static SafeFileHandle? OpenAgain(SafeFileHandle file, int flags)
    {
        SafeFileHandle again = NativeFiles.Open($"/proc/self/fd/{file.DangerousGetHandle()}", flags | NativeFiles.ReadOnlyCloseOnExec);
        if (!again.IsInvalid)
        {
            return again;
        }
        again.Dispose();
        return null;
    }

    // struct flock. Zero in all fields except the type means the whole file.
    [StructLayout(LayoutKind.Sequential)]
    private struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }

    // struct iovec.
    private readonly struct Vector(byte* start, nuint length)
    {
        public readonly byte* Start = start;
        public readonly nuint Length = length;
    }

    private static partial class Native
    {
        public const int Again = 11;
        public const int NoWait = 8;
        public const int GetLock = 36; // F_OFD_GETLK
        public const int SetLock = 37; // F_OFD_SETLK
        public const short ReadLock = 0;
        public const short WriteLock = 1;
        public const short Unlocked = 2;

        public static readonly int Direct = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000; // O_DIRECT

        [LibraryImport("libc", EntryPoint = "preadv2", SetLastError = true)]
        public static partial long Read(SafeFileHandle file, Vector* vectors, int count, long offset, int flags);

        [LibraryImport("libc", EntryPoint = "fcntl")]
        public static partial int Control(SafeFileHandle file, int command, FileLock* argument);
    }
}
