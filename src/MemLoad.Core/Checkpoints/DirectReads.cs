using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// Reads of one file that leave the page cache as they find it: what is large and not cached comes from the disk straight into memory (open(2), O_DIRECT).
/// For a cold file that is faster than through the cache, takes hardly any processor time, and drives nothing else out of memory. Where kernel or file
/// system know no such reads there are none, and the caller reads as ever. So there are while others load the same file: what one has brought into the
/// cache then serves all.
/// </summary>
internal sealed unsafe partial class DirectReads(SafeFileHandle file) : IDisposable
{
    // What disks, files and memory are aligned to, at most; 512 would do for many.
    private const int Block = 4096;

    // Below this a disk is not at its speed, and neighbours that the page cache reads along will be wanted next.
    private const int Least = CheckpointFileReader.FarApart;

    // What does not fit between the block boundaries of the destination: less than a block at its begin, at its end, and in front of the range.
    private const int MostAside = 3 * Block;

    // A cold file is mostly cold everywhere: after a range that was not cached so many others are not asked about.
    private const int Unasked = 15;

    private readonly Lazy<SafeFileHandle?> _probe = new(() => OpenProbe(file));
    private readonly Lazy<SafeFileHandle?> _direct = new(() => OpenAgain(file, Native.Direct));
    private volatile bool _refused;
    private volatile bool _waits = !IsSupported;
    private int _unasked;

    private static bool IsSupported { get; } = FileAdvice.IsSupported
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    /// <summary>False as long as every large range was found in the page cache: then reading is processors' work and no waiting for a disk.</summary>
    public bool Waits => _waits;

    /// <summary>Reads some of a range, from its begin; 0 bytes if these are to be read in another way. Threads may call it at once.</summary>
    public int Read(long offset, Span<byte> destination)
    {
        if (!IsSupported || _refused || destination.Length < Least || !IsForTheDisk(offset, destination.Length))
        {
            return 0;
        }
        if (_direct.Value is not SafeFileHandle direct)
        {
            _refused = true;
            return 0;
        }
        fixed (byte* memory = destination)
        {
            return ReadDirect(direct, offset, memory, destination.Length);
        }
    }

    /// <summary>The file to read small ranges from: without readahead, once large ones are read directly, for what lies around them was read or will be.</summary>
    public SafeFileHandle ForSmallReads => _direct.IsValueCreated && !_refused && _probe.Value is SafeFileHandle calm ? calm : file;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Lazy<SafeFileHandle?> handle in new[] { _probe, _direct })
        {
            if (handle.IsValueCreated)
            {
                handle.Value?.Dispose();
            }
        }
    }

    // Looked at in two places that are no storage's begin: opening the checkpoint has read the headers in front of those. The kernel answers that a page is
    // not there by having it read, that one page alone on this handle.
    private bool IsForTheDisk(long offset, int length)
    {
        if (_probe.Value is not SafeFileHandle probe)
        {
            _waits = true;
            return false;
        }
        if (Interlocked.Decrement(ref _unasked) >= 0)
        {
            return true;
        }
        byte one;
        var vector = new Vector(&one, 1);
        foreach (long place in (ReadOnlySpan<long>)[offset + (length / 2), offset + length - 1])
        {
            if (Native.Read(probe, &vector, 1, place, Native.NoWait) < 0)
            {
                _waits = true;
                // Anything but "not now" means that the file system does not tell.
                _refused |= Marshal.GetLastPInvokeError() != Native.Again;
                if (_refused || IsSharedWithOthers(probe))
                {
                    return false;
                }
                Volatile.Write(ref _unasked, Unasked);
                return true;
            }
        }
        return false;
    }

    // Loads of a cold file tell each other of themselves by a read lock of their open file, which is in nobody's way but a writer's who asks for locks.
    // Whoever finds another's (it would keep him from writing) reads through the cache. Where there are no locks everybody is alone.
    private static bool IsSharedWithOthers(SafeFileHandle probe)
    {
        var mine = new FileLock { Type = Native.ReadLock };
        _ = Native.Control(probe, Native.SetLock, &mine);
        var hindrance = new FileLock { Type = Native.WriteLock };
        return Native.Control(probe, Native.GetLock, &hindrance) == 0 && hindrance.Type != Native.Unlocked;
    }

    // One request from block to block: most of it goes to the whole blocks of the destination itself and is then moved into place, the rest aside.
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
            // Other alignments, no direct reads after all, a broken disk: whoever reads as ever next knows what to say.
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

    // The very file that is open, whatever has its name by now; null where it cannot be had.
    private static SafeFileHandle? OpenAgain(SafeFileHandle file, int flags)
    {
        SafeFileHandle again = Native.Open($"/proc/self/fd/{file.DangerousGetHandle()}", flags | Native.CloseOnExec);
        if (!again.IsInvalid)
        {
            return again;
        }
        again.Dispose();
        return null;
    }

    // struct flock; all zero but the type is the whole file.
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
        public const int CloseOnExec = 0x80000;

        public static readonly int Direct = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000; // the rest is the same everywhere

        [LibraryImport("libc", EntryPoint = "preadv2", SetLastError = true)]
        public static partial long Read(SafeFileHandle file, Vector* vectors, int count, long offset, int flags);

        [LibraryImport("libc", EntryPoint = "fcntl")]
        public static partial int Control(SafeFileHandle file, int command, FileLock* argument);

        [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
        public static partial SafeFileHandle Open(string path, int flags);
    }
}
