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
    [InlineData((11 << 20) + 1, 12 << 20, 12 << 20)] // a remainder of 1 MiB or less is not split off
    public void One_block_is_rounded_as_PyTorch_rounds_it(long bytes, long allocated, long reserved)
    {
        var allocator = new CachingAllocator();

        allocator.Allocate(bytes);

        Assert.Equal((allocated, reserved), (allocator.Memory.Allocated, allocator.Memory.Reserved));
    }

    [Fact]
    public void Blocks_never_overlap_and_the_books_always_balance() =>
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
    public void The_capacity_is_refused_to_be_exceeded_and_cached_segments_are_given_back_first()
    {
        var allocator = new CachingAllocator(64 << 20);
        allocator.Release(allocator.Allocate(40 << 20));
        allocator.Allocate(50 << 20); // fits only because the cached 40 MiB go

        var refusal = Assert.Throws<MemLoadException>(() => allocator.Allocate(20 << 20));

        Assert.Equal("ML7002", refusal.Rule.Id);
        Assert.Equal(50 << 20, allocator.Memory.Reserved);
    }
}
