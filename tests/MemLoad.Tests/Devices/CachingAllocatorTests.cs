using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Devices;

public sealed class CachingAllocatorTests
{
    [Theory]
    [InlineData(1, 512, 2 << 20)]
    [InlineData(512, 512, 2 << 20)]
    [InlineData(513, 1024, 2 << 20)]
    [InlineData(1 << 20, 1 << 20, 2 << 20)]
    [InlineData((1 << 20) + 1, (1 << 20) + 512, 20 << 20)]
    [InlineData((10 << 20) - 512, (10 << 20) - 512, 20 << 20)]
    [InlineData(10 << 20, 10 << 20, 10 << 20)]
    [InlineData((10 << 20) + 1, (10 << 20) + 512, 12 << 20)]
    [InlineData((11 << 20) + 1, 12 << 20, 12 << 20)] // a remainder of at most 1 MiB is not split off
    public void One_block_is_rounded_as_PyTorch_rounds_it(long bytes, long allocated, long reserved)
    {
        var allocator = new CachingAllocator();

        allocator.Allocate(bytes);

        Assert.Equal((allocated, reserved), (allocator.Memory.Allocated, allocator.Memory.Reserved));
    }

    [Fact]
    public void Blocks_never_overlap_and_the_figures_always_agree() =>
        Prop.ForAll(Gen.Choose(-40, 3000).ArrayOf().ToArbitrary(), operations =>
        {
            var allocator = new CachingAllocator();
            var live = new List<(DeviceBlock Block, long Bytes)>();
            foreach (int operation in operations)
            {
                if (operation > 0)
                {
                    long bytes = (long)operation * operation * 7; // up to 63 MB, many small
                    live.Add((allocator.Allocate(bytes), bytes));
                }
                else if (live.Count > 0)
                {
                    int index = -operation % live.Count;
                    allocator.Release(live[index].Block);
                    live.RemoveAt(index);
                }
                (long Offset, long Bytes)[] sorted = [.. live.Select(each => (each.Block.Offset, each.Bytes)).Order()];
                Assert.All(sorted.Zip(sorted.Skip(1)), pair => Assert.True(pair.First.Offset + pair.First.Bytes <= pair.Second.Offset));
                Assert.InRange(allocator.Memory.Allocated, live.Sum(block => block.Bytes), allocator.Memory.Reserved);
                Assert.InRange(allocator.Memory.PeakReserved, allocator.Memory.Reserved, long.MaxValue);
            }
            foreach ((DeviceBlock block, _) in live)
            {
                allocator.Release(block);
            }
            allocator.ReleaseCached();
            Assert.Equal((0, 0), (allocator.Memory.Allocated, allocator.Memory.Reserved));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_freed_block_is_used_again_before_more_is_reserved()
    {
        var allocator = new CachingAllocator();
        DeviceBlock first = allocator.Allocate(30 << 20);
        allocator.Release(first);

        Assert.Equal(first.Offset, allocator.Allocate(30 << 20).Offset);
        Assert.Equal(30 << 20, allocator.Memory.PeakReserved);
    }

    [Fact]
    public void A_request_beyond_the_capacity_is_refused_after_cached_segments_are_released()
    {
        var allocator = new CachingAllocator(64 << 20);
        allocator.Release(allocator.Allocate(40 << 20));
        allocator.Allocate(50 << 20); // fits only because the cached 40 MiB are released

        var refusal = Assert.Throws<MemLoadException>(() => allocator.Allocate(20 << 20));

        Assert.Equal("ML7002", refusal.Rule.Id);
        Assert.Equal(50 << 20, allocator.Memory.Reserved);
    }

    [Fact]
    public void The_capacity_can_be_used_to_its_last_byte()
    {
        var allocator = new CachingAllocator(64 << 20);
        allocator.Release(allocator.Allocate(2 << 20));

        allocator.Allocate(64 << 20); // takes the cached segment's place

        Assert.Equal((64 << 20, 64 << 20), (allocator.Memory.Allocated, allocator.Memory.Reserved));
        Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => allocator.Allocate(1)).Rule.Id);
    }

    [Fact]
    public void Only_a_block_in_use_can_be_released()
    {
        var allocator = new CachingAllocator();
        DeviceBlock block = allocator.Allocate(600);

        Assert.Throws<InvalidOperationException>(() => allocator.Release(block with { Offset = block.Offset + 512 }));
        allocator.Release(block);
        Assert.Throws<InvalidOperationException>(() => allocator.Release(block));
        allocator.Release(allocator.Allocate(0)); // 0 bytes need no block

        Assert.Equal(new DeviceMemory(0, 2 << 20, 1024, 2 << 20), allocator.Memory);
    }

    [Fact]
    public void It_gives_the_results_of_a_plain_search_through_all_blocks() =>
        Prop.ForAll(Gen.Choose(-60, 3000).ArrayOf().ToArbitrary(), operations =>
            {
                const long Capacity = 300 << 20;
                long behind = 0; // bytes of segments that have memory
                var allocator = new CachingAllocator(Capacity)
                {
                    SegmentReserved = (_, bytes) => behind += bytes,
                    SegmentReleased = (_, bytes) => behind -= bytes,
                };
                var plain = new PlainAllocator(Capacity);
                var live = new List<DeviceBlock>();
                foreach (int operation in operations)
                {
                    long bytes = (long)operation * operation * 7;
                    if (operation > 0 && plain.Allocate(bytes) is long offset)
                    {
                        live.Add(allocator.Allocate(bytes));
                        Assert.Equal(offset, live[^1].Offset);
                    }
                    else if (operation > 0)
                    {
                        Assert.Throws<MemLoadException>(() => allocator.Allocate(bytes));
                    }
                    else if (live.Count > 0)
                    {
                        DeviceBlock block = live[-operation % live.Count];
                        live.Remove(block);
                        allocator.Release(block);
                        plain.Release(block.Offset);
                    }
                    Assert.Equal(
                        (plain.Allocated, plain.Reserved, plain.Reserved), (allocator.Memory.Allocated, allocator.Memory.Reserved, behind));
                }
            })
            .QuickCheckThrowOnFailure();

    // The arithmetic of PyTorch without optimizations.
    private sealed class PlainAllocator(long capacity)
    {
        private readonly List<(bool Small, List<(long Offset, long Bytes, bool Used)> Blocks)> _segments = [];
        private long _next;

        public long Reserved => _segments.Sum(segment => segment.Blocks.Sum(block => block.Bytes));

        public long Allocated => _segments.Sum(segment => segment.Blocks.Where(block => block.Used).Sum(block => block.Bytes));

        public long? Allocate(long bytes)
        {
            long size = (bytes + 511) / 512 * 512;
            bool small = size <= 1 << 20;
            if (!Free(small, size).Any())
            {
                long segment = small ? 2 << 20 : size < 10 << 20 ? 20 << 20 : (size + (2 << 20) - 1) / (2 << 20) * (2 << 20);
                if (Reserved + segment > capacity)
                {
                    _segments.RemoveAll(each => each.Blocks.TrueForAll(block => !block.Used));
                }
                if (Reserved + segment > capacity)
                {
                    return null;
                }
                _segments.Add((small, [(_next, segment, false)]));
                _next += segment;
            }
            (List<(long Offset, long Bytes, bool Used)> blocks, (long Offset, long Bytes, bool Used) best) = Free(small, size)
                .OrderBy(free => free.Block.Bytes)
                .ThenBy(free => free.Block.Offset)
                .First();
            int at = blocks.IndexOf(best);
            long rest = best.Bytes - size;
            bool split = small ? rest >= 512 : rest > 1 << 20;
            blocks[at] = (best.Offset, split ? size : best.Bytes, true);
            if (split)
            {
                blocks.Insert(at + 1, (best.Offset + size, rest, false));
            }
            return best.Offset;
        }

        public void Release(long offset)
        {
            List<(long Offset, long Bytes, bool Used)> blocks = _segments
                .Select(segment => segment.Blocks)
                .Single(each => each.Exists(block => block.Offset == offset));
            int at = blocks.FindIndex(block => block.Offset == offset);
            blocks[at] = blocks[at] with { Used = false };
            for (int i = blocks.Count - 2; i >= 0; i--)
            {
                if (!blocks[i].Used && !blocks[i + 1].Used)
                {
                    blocks[i] = blocks[i] with { Bytes = blocks[i].Bytes + blocks[i + 1].Bytes };
                    blocks.RemoveAt(i + 1);
                }
            }
        }

        private IEnumerable<(List<(long Offset, long Bytes, bool Used)> Blocks, (long Offset, long Bytes, bool Used) Block)> Free(
            bool small, long size) =>
            from segment in _segments
            where segment.Small == small
            from block in segment.Blocks
            where !block.Used && block.Bytes >= size
            select (segment.Blocks, block);
    }
}
