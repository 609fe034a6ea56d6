namespace MemLoad.Tests.Devices;

public sealed class HostLayoutTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Blocks_do_not_overlap_are_aligned_and_need_little_additional_memory(int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < 200; i++)
        {
            (long[] lengths, Extent[] storages) = Files(random, unit: random.Next(2) == 0 ? 64 : 1);
            HostLayout layout = HostLayout.LikeFiles(lengths, storages);

            Assert.Equal(lengths, layout.Blocks.Select(block => block.Length));
            long end = 0;
            foreach (HostLayout.Place block in layout.Blocks.OrderBy(block => block.Offset).ThenBy(block => block.Length))
            {
                Assert.Equal(0, block.Offset % 64);
                Assert.True(block.Offset >= end, "a block begins in another, or in what is said to be nobody's");
                end = block.Offset + block.Length + block.PaddingBytes;
            }
            long packed = HostLayout.Packed(lengths).Bytes;
            Assert.InRange(end, 0, layout.Bytes);
            Assert.InRange(layout.Bytes, 0, packed + (packed / 1024));
        }
    }

    [Fact]
    public void Large_storages_with_headers_between_them_have_the_layout_of_their_file_and_cast_storages_are_separate()
    {
        const long Large = 40 << 20;
        Extent[] storages =
        [
            new(0, 64, Large),
            new(0, 64 + Large + 192, 128),
            new(1, 4096 + 128, Large),
            new(0, 64 + Large + 192 + 128 + 64, Large),
            new(1, 4096 + 192 + Large, Large),
        ];
        long[] lengths = [.. storages.Select(storage => storage.Length)];
        lengths[^1] /= 2;

        HostLayout layout = HostLayout.LikeFiles(lengths, storages);

        Assert.Equal([192, 64, 0, 0, 0], layout.Blocks.Select(block => block.PaddingBytes));
        long[] offsets = [.. layout.Blocks.Select(block => block.Offset)];
        Assert.Equal(Large + 192, offsets[1] - offsets[0]);
        Assert.Equal(128 + 64, offsets[3] - offsets[1]);
        Assert.All(new[] { 0, 1, 2, 3 }, i => Assert.Equal(storages[i].Offset % 4096, offsets[i] % 4096));
    }

    [Fact]
    public void If_headers_are_as_long_as_their_storages_blocks_are_packed()
    {
        Extent[] storages = [.. Enumerable.Range(0, 1000).Select(i => new Extent(0, 192 * i, 64))];
        HostLayout layout = HostLayout.LikeFiles([.. storages.Select(storage => storage.Length)], storages);
        Assert.Equal(64_000, layout.Bytes);
    }

    // Storages of some files in any order, with any lengths and any gaps between them. Some have a cast.
    private static (long[] Lengths, Extent[] Storages) Files(Random random, int unit)
    {
        var storages = new List<Extent>();
        for (int file = 0; file < random.Next(1, 4); file++)
        {
            long offset = random.Next(200) * (long)unit;
            for (int i = random.Next(20); i >= 0; i--)
            {
                long length = random.Next(3) switch { 0 => random.Next(300), 1 => random.Next(1 << 20), _ => random.NextInt64(1L << 32) };
                storages.Add(new Extent(file, offset, length));
                offset = (offset + length + unit - 1) / unit * unit;
                offset += random.Next(3) switch { 0 => 0, 1 => random.Next(5) * (long)unit, _ => random.Next(10_000) * (long)unit };
            }
        }
        Extent[] shuffled = [.. storages];
        random.Shuffle(shuffled);
        return ([.. shuffled.Select(storage => random.Next(5) == 0 ? storage.Length / 2 : storage.Length)], shuffled);
    }
}
