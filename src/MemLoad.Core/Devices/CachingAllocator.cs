namespace MemLoad;

/// <summary>A block of a <see cref="CachingAllocator"/>: its number, from 1, and its start. The default value is the empty block.</summary>
internal readonly record struct DeviceBlock(int Number, long Offset);

/// <summary>
/// The arithmetic of the CUDA caching allocator of PyTorch (c10/cuda/CUDACachingAllocator.cpp, constants of PyTorch 2.x): the segments that
/// it reserves and the blocks in them. It computes offsets and holds no memory. A device provides the memory of the segments. Not
/// thread-safe.
/// </summary>
internal sealed class CachingAllocator(long? capacityBytes = null) : IDisposable
{
    private const long MinimumBlock = 512;
    private const long SmallLimit = 1L << 20;
    private const long SmallSegment = 2L << 20;
    private const long LargeLimit = 10L << 20;
    private const long LargeSegment = 20L << 20;
    private const long SegmentRounding = 2L << 20;

    // Blocks by number, in one array, because a plan for a hundred thousand tensors must not create as many objects. Number 0 means no
    // block.
    private readonly PooledList<Block> _blocks = new();
    private readonly SortedSet<(long Bytes, long Offset, int Number)> _freeSmall = [];
    private readonly SortedSet<(long Bytes, long Offset, int Number)> _freeLarge = [];
    private readonly Stack<int> _spareNumbers = new();
    private long _nextSegment;
    private DeviceMemory _memory;

    public DeviceMemory Memory => _memory;

    /// <summary>Called with the offset and length of a new segment, so that the device can provide its memory.</summary>
    public Action<long, long>? SegmentReserved { get; init; }

    /// <summary>Called with the offset and length of a released segment, so that the device can free its memory.</summary>
    public Action<long, long>? SegmentReleased { get; init; }

    /// <summary>Allocates a block of at least this number of bytes. 0 bytes need no memory.</summary>
    /// <exception cref="MemLoadException">ML7002: the capacity would be exceeded, even after cached segments are released.</exception>
    public DeviceBlock Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes == 0)
        {
            return default;
        }
        long size = RoundUp(bytes, MinimumBlock);
        bool small = size <= SmallLimit;
        int number = TakeFree(small ? _freeSmall : _freeLarge, size);
        if (number == 0)
        {
            number = NewSegment(size, small, bytes);
        }
        long rest = _blocks[number].Bytes - size;
        if (small ? rest >= MinimumBlock : rest > SmallLimit)
        {
            Split(number, size, rest);
        }
        ref Block block = ref _blocks[number];
        block.InUse = true;
        Count(block.Bytes, 0);
        return new DeviceBlock(number, block.Offset);
    }

    /// <summary>Returns a block to the cache and merges it with free neighbors in its segment.</summary>
    public void Release(DeviceBlock given)
    {
        int number = given.Number;
        if (number == 0)
        {
            return;
        }
        ref Block block = ref _blocks[number];
        if (!block.InUse || block.Offset != given.Offset)
        {
            throw new InvalidOperationException("The block was released before.");
        }
        block.InUse = false;
        Count(-block.Bytes, 0);
        if (block.Next is > 0 and int next && !_blocks[next].InUse)
        {
            TakeOut(next);
            Join(number, next);
        }
        if (block.Previous is > 0 and int previous && !_blocks[previous].InUse)
        {
            TakeOut(previous);
            Join(previous, number);
            number = previous;
        }
        PutIn(number);
    }

    /// <summary>Releases all segments without a block in use, as <c>torch.cuda.empty_cache()</c> does.</summary>
    public void ReleaseCached()
    {
        foreach (SortedSet<(long Bytes, long Offset, int Number)> free in new[] { _freeSmall, _freeLarge })
        {
            foreach ((long bytes, long offset, int number) in free.ToArray())
            {
                if (_blocks[number] is { Previous: 0, Next: 0 })
                {
                    TakeOut(number);
                    _spareNumbers.Push(number);
                    Count(0, -bytes);
                    SegmentReleased?.Invoke(offset, bytes);
                }
            }
        }
    }

    public void Dispose() => _blocks.Dispose();

    private static int TakeFree(SortedSet<(long Bytes, long Offset, int Number)> free, long size)
    {
        if (free.Count == 0 || free.Max.Bytes < size)
        {
            return 0;
        }
        // Best fit: the smallest block that is large enough. Among equal blocks, the block with the lowest offset.
        (long Bytes, long Offset, int Number) best = free.GetViewBetween((size, long.MinValue, 0), (long.MaxValue, long.MaxValue, 0)).Min;
        free.Remove(best);
        return best.Number;
    }

    private int NewSegment(long size, bool small, long requested)
    {
        long bytes = small ? SmallSegment : size < LargeLimit ? LargeSegment : RoundUp(size, SegmentRounding);
        if (_memory.Reserved > (capacityBytes ?? long.MaxValue) - bytes)
        {
            ReleaseCached();
        }
        if (_memory.Reserved > (capacityBytes ?? long.MaxValue) - bytes)
        {
            throw Rules.DeviceMemoryExhausted.Broken(
                $"out of device memory: tried to allocate {requested} bytes; the device has {capacityBytes} bytes, {_memory.Allocated} "
                    + $"are allocated and {_memory.Reserved} reserved");
        }
        SegmentReserved?.Invoke(_nextSegment, bytes);
        int number = NewBlock(new Block { Offset = _nextSegment, Bytes = bytes, Small = small });
        _nextSegment += bytes;
        Count(0, bytes);
        return number;
    }

    private void Split(int number, long size, long rest)
    {
        Block whole = _blocks[number];
        int remainder = NewBlock(
            new Block
            {
                Offset = whole.Offset + size,
                Bytes = rest,
                Small = whole.Small,
                Previous = number,
                Next = whole.Next,
            });
        if (whole.Next > 0)
        {
            _blocks[whole.Next].Previous = remainder;
        }
        ref Block first = ref _blocks[number];
        first.Next = remainder;
        first.Bytes = size;
        PutIn(remainder);
    }

    private void Join(int first, int second)
    {
        Block gone = _blocks[second];
        _spareNumbers.Push(second);
        ref Block block = ref _blocks[first];
        block.Bytes += gone.Bytes;
        block.Next = gone.Next;
        if (gone.Next > 0)
        {
            _blocks[gone.Next].Previous = first;
        }
    }

    private int NewBlock(Block block)
    {
        if (_spareNumbers.TryPop(out int number))
        {
            _blocks[number] = block;
            return number;
        }
        _blocks.Extend(1);
        _blocks.Add(block);
        return _blocks.Count - 1;
    }

    private void PutIn(int number) => Free(_blocks[number].Small).Add((_blocks[number].Bytes, _blocks[number].Offset, number));

    private void TakeOut(int number) => Free(_blocks[number].Small).Remove((_blocks[number].Bytes, _blocks[number].Offset, number));

    private SortedSet<(long Bytes, long Offset, int Number)> Free(bool small) => small ? _freeSmall : _freeLarge;

    private void Count(long allocated, long reserved)
    {
        allocated += _memory.Allocated;
        reserved += _memory.Reserved;
        _memory = new DeviceMemory(
            allocated, reserved, Math.Max(allocated, _memory.PeakAllocated), Math.Max(reserved, _memory.PeakReserved));
    }

    private static long RoundUp(long value, long multiple) => checked(value + multiple - 1) / multiple * multiple;

    // The numbers of the neighbors in the same segment. 0 means no neighbor.
    private struct Block
    {
        public long Offset;
        public long Bytes;
        public int Previous;
        public int Next;
        public bool Small;
        public bool InUse;
    }
}
