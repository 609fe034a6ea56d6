using MemLoad.Tests.Measurement;

namespace MemLoad.Tests.Devices;

// The tests run alone, because other tests could use the released addresses.
[Collection(QuietProcess.Name)]
public sealed class HostMemoryTests
{
    [SkippableFact]
    public void Released_memory_of_any_size_no_longer_belongs_to_the_process()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "reads /proc/self/maps");
        var random = new Random(7);
        var memory = new HostMemory();
        var blocks = new List<MemoryBuffer>();
        for (int i = 0; i < 300; i++)
        {
            blocks.Add(memory.Allocate(random.Next(3) == 0 ? random.Next(8 << 20) : random.Next(20_000)));
        }
        long[] addresses = [.. blocks.Where(block => block.Length > 0).Select(block => (long)block.Address)];
        Assert.All(addresses, address => Assert.True(IsMapped(address)));
        Assert.All(blocks.Where(block => block.Length > 0), block => Assert.Equal(0, block.Address % 64));

        memory.Dispose(); // blocks outlive the allocator
        byte[] content = [1, 2, 3];
        MemoryBuffer last = blocks.Last(block => block.Length > 3);
        last.Write(0, content);
        byte[] back = new byte[3];
        last.Read(0, back);
        Assert.Equal(content, back);

        foreach (MemoryBuffer block in blocks)
        {
            block.Dispose();
            block.Dispose(); // a second call has no effect
        }
        // Other threads can use an address again, so nearly all addresses must be free.
        Assert.InRange(addresses.Count(IsMapped), 0, addresses.Length / 10);
    }

    [Fact]
    public void Memory_that_is_prepared_again_keeps_its_content()
    {
        using var memory = new HostMemory();
        using MemoryBuffer block = memory.Allocate(7 << 20);
        byte[] content = new byte[block.Length];
        new Random(9).NextBytes(content);
        block.Write(0, content);
        block.Prepare(0, content.Length);
        block.Prepare(100_000, 3 << 20);
        byte[] back = new byte[content.Length];
        block.Read(0, back);
        Assert.True(back.AsSpan().SequenceEqual(content));
    }

    [Fact]
    public void Huge_pages_are_prepared_up_to_the_end_of_a_block_and_not_beyond()
    {
        using var memory = new HostMemory();
        using MemoryBuffer block = memory.Allocate(8 << 20);
        byte[] content = new byte[block.Length];
        new Random(10).NextBytes(content);

        block.Prepare(0, content.Length);
        block.Write(0, content);

        byte[] back = new byte[content.Length];
        block.Read(0, back);
        Assert.True(back.AsSpan().SequenceEqual(content));
    }

    [Fact]
    public void Small_blocks_share_a_mapping_until_it_is_full()
    {
        const int Bytes = 200_000; // five of them fit into one mapping
        using var memory = new HostMemory();
        MemoryBuffer[] blocks = [.. Enumerable.Range(0, 12).Select(_ => memory.Allocate(Bytes))];
        byte[] back = new byte[Bytes];
        foreach ((MemoryBuffer block, int i) in blocks.Select((block, i) => (block, i)))
        {
            Assert.True(i % 5 == 0 || block.Address - blocks[i - 1].Address == HostMemory.Aligned(Bytes));
            Array.Fill(back, (byte)(i + 1));
            block.Write(0, back);
        }
        foreach ((MemoryBuffer block, int i) in blocks.Select((block, i) => (block, i)))
        {
            block.Read(0, back);
            Assert.True(back.AsSpan().IndexOfAnyExcept((byte)(i + 1)) < 0);
            block.Dispose();
        }
    }

    [SkippableFact]
    public void Blocks_allocated_together_are_released_one_by_one_and_the_last_releases_the_mapping()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "reads /proc/self");
        var random = new Random(8);
        using var memory = new HostMemory();
        long[] sizes =
        [
            .. Enumerable
                .Range(0, 200)
                .Select(i =>
                    i % 50 == 0 ? 0
                    : random.Next(3) == 0 ? (long)random.Next(4 << 20)
                    : random.Next(20_000)),
        ];
        MemoryBuffer[] blocks = memory.AllocateTogether(HostLayout.Packed(sizes));
        Assert.Equal(sizes, blocks.Select(block => block.Length));
        Assert.All(blocks, block => Assert.Equal(0, block.Address % 64));
        foreach ((MemoryBuffer block, int i) in blocks.Select((block, i) => (block, i)))
        {
            byte[] content = new byte[block.Length];
            Assert.True(block.Length == 0 || block.Address >= (i == 0 ? 0 : blocks[i - 1].Address + blocks[i - 1].Length));
            Array.Fill(content, (byte)(i + 1));
            block.Write(0, content);
        }
        nint first = blocks[0].Address;
        long before = Resident();

        // Every second block is disposed. Its neighbours keep every byte.
        foreach (MemoryBuffer block in blocks.Where((_, i) => i % 2 == 0))
        {
            block.Dispose();
        }
        long gone = sizes.Where((_, i) => i % 2 == 0).Sum(size => Math.Max(0, size - 8192));
        Assert.InRange(before - Resident(), gone * 9 / 10, long.MaxValue);
        foreach ((MemoryBuffer block, int i) in blocks.Select((block, i) => (block, i)).Where(item => item.i % 2 == 1))
        {
            byte[] content = new byte[block.Length];
            block.Read(0, content);
            Assert.True(content.AsSpan().IndexOfAnyExcept((byte)(i + 1)) < 0);
            block.Dispose();
        }
        Assert.False(IsMapped(first));
    }

    private static long Resident() =>
        long.Parse(
            File.ReadLines("/proc/self/status")
                .Single(line => line.StartsWith("RssAnon", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            System.Globalization.CultureInfo.InvariantCulture) * 1024;

    private static bool IsMapped(long address) => File.ReadLines("/proc/self/maps").Any(line =>
    {
        string[] range = line.Split(' ', 2)[0].Split('-');
        return (ulong)address >= Convert.ToUInt64(range[0], 16) && (ulong)address < Convert.ToUInt64(range[1], 16);
    });
}
