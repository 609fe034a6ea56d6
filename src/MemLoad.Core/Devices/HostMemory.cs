using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>
/// Anonymous host memory that goes back to the system the moment it is released, so that a measured peak is the plan's and not an
/// allocator's. Large blocks are mappings of their own; small ones share a mapping that is released with the last of them. Blocks that are
/// allocated together share one, whatever their sizes, and each gives its pages back when it is released.
/// </summary>
public sealed unsafe partial class HostMemory : IDisposable
{
    private const long LargeBytes = 256 << 10;
    private const long SharedBytes = 1 << 20;
    private const long HugePage = 2 << 20;
    private const long Alignment = 64;

    private static readonly long Page = Environment.SystemPageSize;

    private Segment? _current;
    private long _used;

    /// <summary>Allocates a block of zeroed memory, aligned to 64 bytes. Not thread-safe.</summary>
    /// <exception cref="MemLoadException">ML7001: the system has no memory to give.</exception>
    public MemoryBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes >= LargeBytes)
        {
            return new Buffer(new Segment(bytes, holders: 1), 0, bytes);
        }
        if (_current is null || _used > SharedBytes - bytes)
        {
            Dispose();
            _current = new Segment(SharedBytes, holders: 1);
            _used = 0;
        }
        _current.Hold();
        var block = new Buffer(_current, _used, bytes);
        _used += Aligned(bytes);
        return block;
    }

    /// <summary>
    /// Allocates blocks of zeroed memory that lie next to each other, aligned to 64 bytes: all but the ends of the whole can then be huge pages,
    /// where blocks of their own would each have small pages at both ends. Not thread-safe.
    /// </summary>
    /// <exception cref="MemLoadException">ML7001: the system has no memory to give.</exception>
    public MemoryBuffer[] AllocateTogether(IReadOnlyList<long> bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (bytes.Count == 1)
        {
            return [Allocate(bytes[0])];
        }
        long total = 0;
        foreach (long block in bytes)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(block);
            total = checked(total + Aligned(block));
        }
        var segment = new Segment(Math.Max(total, 1), bytes.Count);
        var blocks = new MemoryBuffer[bytes.Count];
        long offset = 0;
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = new Buffer(segment, offset, bytes[i], vacates: true);
            offset += Aligned(bytes[i]);
        }
        return blocks;
    }

    /// <summary>Lets go of the mapping that small blocks were taken from; blocks stay valid until they are disposed themselves.</summary>
    public void Dispose()
    {
        _current?.Release();
        _current = null;
    }

    private static long Aligned(long bytes) => checked(bytes + Alignment - 1) / Alignment * Alignment;

    private sealed class Buffer(Segment segment, long offset, long bytes, bool vacates = false) : MemoryBuffer(bytes)
    {
        private Segment? _segment = segment;

        public override nint Address { get; } = segment.Address + (nint)offset;

        public override void Write(long offset, ReadOnlySpan<byte> source)
        {
            CheckRange(offset, source.Length);
            source.CopyTo(new Span<byte>((byte*)Address + offset, source.Length));
        }

        public override void Read(long offset, Span<byte> destination)
        {
            CheckRange(offset, destination.Length);
            new ReadOnlySpan<byte>((byte*)Address + offset, destination.Length).CopyTo(destination);
        }

        protected override void Dispose(bool disposing)
        {
            if (Interlocked.Exchange(ref _segment, null) is Segment segment)
            {
                segment.Release(vacates ? (Address, Length) : default);
            }
        }
    }

    // One mapping and how many blocks (and, while it is being filled, the allocator) hold it.
    private sealed partial class Segment
    {
        private const nint Failed = -1;

        private readonly nint _mapping;
        private readonly nuint _mappedBytes;
        private int _holders;

        public Segment(long bytes, int holders)
        {
            _holders = holders;
            if (OperatingSystem.IsWindows())
            {
                Address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, (nuint)Alignment);
                if (Address == 0)
                {
                    throw Exhausted(bytes);
                }
                NativeMemory.Clear((void*)Address, (nuint)bytes);
                return;
            }
            _mappedBytes = checked((nuint)((bytes + Page - 1) / Page * Page));
            if (bytes < HugePage || !TryMapHuge(_mappedBytes, out _mapping))
            {
                _mapping = Map(_mappedBytes);
            }
            if (_mapping == Failed)
            {
                throw Exhausted(bytes);
            }
            Address = _mapping;
        }

        public nint Address { get; }

        public void Hold() => Interlocked.Increment(ref _holders);

        /// <summary>One holder less. The last gives the mapping back; one before it, at least the whole pages that were its alone.</summary>
        public void Release((nint Address, long Bytes) vacant = default)
        {
            if (Interlocked.Decrement(ref _holders) > 0)
            {
                nint first = (vacant.Address + (nint)Page - 1) / (nint)Page * (nint)Page;
                nint end = (vacant.Address + (nint)vacant.Bytes) / (nint)Page * (nint)Page;
                if (end > first && !OperatingSystem.IsWindows()) // where they go back with the last
                {
                    _ = Native.Advise(first, (nuint)(end - first), Native.AdviseDontNeed);
                }
                return;
            }
            if (OperatingSystem.IsWindows())
            {
                NativeMemory.AlignedFree((void*)Address);
            }
            else
            {
                _ = Native.Unmap(_mapping, _mappedBytes);
            }
        }

        // Starts on a huge page: first touch, which is most of the cost of fresh memory, is then 512 times rarer. What was mapped too much to find
        // that start goes back at once, for limits on address space and data count it.
        private static bool TryMapHuge(nuint length, out nint mapping)
        {
            nint found = Map(checked(length + (nuint)HugePage));
            mapping = Failed;
            if (found == Failed)
            {
                return false;
            }
            mapping = (found + (nint)HugePage - 1) / (nint)HugePage * (nint)HugePage;
            nuint before = (nuint)(mapping - found);
            if (before > 0)
            {
                _ = Native.Unmap(found, before);
            }
            if (before < (nuint)HugePage)
            {
                _ = Native.Unmap(mapping + (nint)length, (nuint)HugePage - before);
            }
            if (OperatingSystem.IsLinux())
            {
                _ = Native.Advise(mapping, length, Native.AdviseHugePage);
            }
            return true;
        }

        private static nint Map(nuint length) =>
            Native.Map(0, length, Native.ReadWrite, OperatingSystem.IsMacOS() ? Native.PrivateAnonymousMac : Native.PrivateAnonymousLinux, -1, 0);

        private static MemLoadException Exhausted(long bytes) => Rules.HostMemoryExhausted.Broken($"the system refused {bytes} bytes of host memory");
    }

    private static partial class Native
    {
        public const int ReadWrite = 3;
        public const int PrivateAnonymousLinux = 0x22;
        public const int PrivateAnonymousMac = 0x1002;
        public const int AdviseDontNeed = 4;
        public const int AdviseHugePage = 14;

        [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
        public static partial nint Map(nint address, nuint length, int protection, int flags, int file, long offset);

        [LibraryImport("libc", EntryPoint = "munmap")]
        public static partial int Unmap(nint address, nuint length);

        [LibraryImport("libc", EntryPoint = "madvise")]
        public static partial int Advise(nint address, nuint length, int advice);
    }
}
