using System.Numerics;

namespace MemLoad.Tests.Models;

public sealed class CounterRandomTests
{
    // The known answers for threefry2x32 with 20 rounds from Random123, the implementation of the authors.
    [Theory]
    [InlineData(0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x6b200159, 0x99ba4efe)]
    [InlineData(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7)]
    [InlineData(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xc4923a9c, 0x483df7a0)]
    public void Threefry_gives_the_known_answers_of_its_authors(uint counter0, uint counter1, uint key0, uint key1, uint word0, uint word1)
    {
        var random = new CounterRandom(key0 | ((ulong)key1 << 32));

        (Vector<uint> first, Vector<uint> second) = random.Encrypt(new Vector<uint>(counter0), new Vector<uint>(counter1));

        Assert.Equal((new Vector<uint>(word0), new Vector<uint>(word1)), (first, second));
    }

    [Fact]
    public void Groups_beyond_32_bits_of_counter_differ_from_those_before()
    {
        var random = new CounterRandom(1);
        long wrapped = (1L << 32) / CounterRandom.Lanes;
        Assert.NotEqual(random.Words(0, 0), random.Words(wrapped, 0));
        Assert.Equal(random.Encrypt(Vector<uint>.Indices, Vector<uint>.One), random.Words(wrapped, 0));
    }
}
