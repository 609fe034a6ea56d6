namespace MemLoad;

/// <summary>
/// The arithmetic of PyTorch's CUDA caching allocator (c10/cuda/CUDACachingAllocator.cpp, constants of PyTorch 2.x): which segments it
/// reserves and how it cuts blocks from them. It deals in offsets and holds no memory; a device puts memory behind the segments.
/// Not thread-safe.
/// </summary>
public sealed class CachingAllocator(long? capacityBytes = null)
{
    private const long MinimumBlock = 512;
    private const long SmallLimit = 1L << 20;
    private const long SmallSegment = 2L << 20;
    private const long LargeLimit = 10L << 20;
    private const long LargeSegment = 20L << 20;
    private const long SegmentRounding = 2L << 20;

    private readonly SortedSet<(long Bytes, long Offset)> _freeSmall = [];
    private readonly SortedSet<(long Bytes, long Offset)> _freeLarge = [];
    private readonly Dictionary<long, Block> _blocks = [];
    private long _nextSegment;
    private DeviceMemory _memory;

    /// <summary>What is allocated and reserved now and was at most.</summary>
    public DeviceMemory Memory => _memory;

    /// <summary>Called with offset and length when a segment is reserved, so that memory can be put behind it.</summary>
    public Action<long, long>? SegmentReserved { get; init; }

    /// <summary>Called with offset and length when a segment is given back, so that its memory can be freed.</summary>
    public Action<long, long>? SegmentReleased { get; init; }

    /// <summary>Reserves a block of at least this many bytes and gives its offset; 0 bytes take nothing and have offset -1.</summary>
    /// <exception cref="MemLoadException">ML7002: the capacity would be exceeded even after giving cached segments back.</exception>
    public long Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes == 0)
        {
            return -1;
        }
        long size = RoundUp(bytes, MinimumBlock);
        bool small = size <= SmallLimit;
        Block block = TakeFree(small ? _freeSmall : _freeLarge, size) ?? NewSegment(size, small, bytes);
        long rest = block.Bytes - size;
        if (small ? rest >= MinimumBlock : rest > SmallLimit)
        {
            var remainder = new Block(block.Offset + size, rest, small, block, block.Next);
            if (block.Next is not null)
            {
                block.Next.Previous = remainder;
            }
            block.Next = remainder;
            block.Bytes = size;
            _blocks.Add(remainder.Offset, remainder);
            Free(remainder.Small).Add((remainder.Bytes, remainder.Offset));
        }
        block.InUse = true;
        Count(block.Bytes, 0);
        return block.Offset;
    }

    /// <summary>Gives a block back to the cache, joining it with free neighbours of its segment.</summary>
    public void Release(long offset)
    {
        if (offset < 0)
        {
            return;
        }
        Block block = _blocks[offset];
        if (!block.InUse)
        {
            throw new InvalidOperationException("The block was released before.");
        }
        block.InUse = false;
        Count(-block.Bytes, 0);
        if (block.Next is { InUse: false } next)
        {
            Free(next.Small).Remove((next.Bytes, next.Offset));
            Join(block, next);
        }
        if (block.Previous is { InUse: false } previous)
        {
            Free(previous.Small).Remove((previous.Bytes, previous.Offset));
            Join(previous, block);
            block = previous;
        }
        Free(block.Small).Add((block.Bytes, block.Offset));
    }

    /// <summary>Gives all segments without a block in use back, as <c>torch.cuda.empty_cache()</c> does.</summary>
    public void ReleaseCached()
    {
        foreach (SortedSet<(long Bytes, long Offset)> free in new[] { _freeSmall, _freeLarge })
        {
            foreach ((long bytes, long offset) in free.ToArray())
            {
                Block block = _blocks[offset];
                if (block.Previous is null && block.Next is null)
                {
                    free.Remove((bytes, offset));
                    _blocks.Remove(offset);
                    Count(0, -bytes);
                    SegmentReleased?.Invoke(offset, bytes);
                }
            }
        }
    }

    private Block? TakeFree(SortedSet<(long Bytes, long Offset)> free, long size)
    {
        // Best fit: the smallest block that is large enough, the lowest offset among equals.
        (long Bytes, long Offset) best = free.GetViewBetween((size, long.MinValue), (long.MaxValue, long.MaxValue)).Min;
        if (best.Bytes == 0)
        {
            return null;
        }
        free.Remove(best);
        return _blocks[best.Offset];
    }

    private Block NewSegment(long size, bool small, long requested)
    {
        long bytes = small ? SmallSegment : size < LargeLimit ? LargeSegment : RoundUp(size, SegmentRounding);
        if (_memory.Reserved > (capacityBytes ?? long.MaxValue) - bytes)
        {
            ReleaseCached();
        }
        if (_memory.Reserved > (capacityBytes ?? long.MaxValue) - bytes)
        {
            throw Rules.DeviceMemoryExhausted.Broken(
                $"out of device memory: tried to allocate {requested} bytes; the device has {capacityBytes} bytes, {_memory.Allocated} are allocated and {_memory.Reserved} reserved");
        }
        SegmentReserved?.Invoke(_nextSegment, bytes);
        var block = new Block(_nextSegment, bytes, small, null, null);
        _nextSegment += bytes;
        _blocks.Add(block.Offset, block);
        Count(0, bytes);
        return block;
    }

    private void Join(Block first, Block second)
    {
        _blocks.Remove(second.Offset);
        first.Bytes += second.Bytes;
        first.Next = second.Next;
        if (second.Next is not null)
        {
            second.Next.Previous = first;
        }
    }

    private SortedSet<(long Bytes, long Offset)> Free(bool small) => small ? _freeSmall : _freeLarge;

    private void Count(long allocated, long reserved)
    {
        allocated += _memory.Allocated;
        reserved += _memory.Reserved;
        _memory = new DeviceMemory(allocated, reserved, Math.Max(allocated, _memory.PeakAllocated), Math.Max(reserved, _memory.PeakReserved));
    }

    private static long RoundUp(long value, long multiple) => checked(value + multiple - 1) / multiple * multiple;

    private sealed class Block(long offset, long bytes, bool small, Block? previous, Block? next)
    {
        public long Offset { get; } = offset;

        public long Bytes { get; set; } = bytes;

        public bool Small { get; } = small;

        public bool InUse { get; set; }

        public Block? Previous { get; set; } = previous;

        public Block? Next { get; set; } = next;
    }
}
