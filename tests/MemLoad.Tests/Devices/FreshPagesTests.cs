namespace MemLoad.Tests.Devices;

public sealed class FreshPagesTests
{
    private const long Millisecond = 1_000_000;

    [Fact]
    public void Huge_pages_are_used_until_they_are_slow_repeatedly()
    {
        var pages = new FreshPages();
        for (int i = 0; i < 1000; i++)
        {
            pages.AddTime(i % 10 == 0 ? 5 * Millisecond : Millisecond / 5); // one in ten is slow
        }
        Assert.True(pages.UseHugePages);

        for (int i = 0; i < 10; i++)
        {
            pages.AddTime(5 * Millisecond); // consecutive pages that the host reclaims
        }
        Assert.True(pages.UseHugePages);

        for (int i = 0; i < 20; i++)
        {
            pages.AddTime(5 * Millisecond);
        }
        Assert.False(pages.UseHugePages);

        pages.AddTime(0);
        Assert.False(pages.UseHugePages); // the decision is not reversed
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public unsafe void Preparing_a_range_does_not_change_the_memory_around_it(bool huge)
    {
        var pages = new FreshPages();
        var mapping = new HostMapping(20 << 20, holders: 1, pages);
        try
        {
            var memory = new Span<byte>((void*)mapping.Address, 20 << 20);
            memory.Fill(7);
            if (!huge)
            {
                pages.AddTime(1000 * Millisecond);
            }
            var random = new Random(5);
            for (int i = 0; i < 50; i++)
            {
                int offset = random.Next(memory.Length);
                int count = random.Next(memory.Length - offset);
                mapping.Touch(mapping.Address + offset, count);
                Assert.True(memory[..offset].IndexOfAnyExcept((byte)7) < 0);
                Assert.True(memory[(offset + count)..].IndexOfAnyExcept((byte)7) < 0);
                memory.Slice(offset, count).Fill(7);
            }
        }
        finally
        {
            mapping.Release();
        }
    }
}
