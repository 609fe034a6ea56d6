namespace MemLoad.Tests.Writing;

/// <summary>
/// The offsets of records in an archive, also for sizes that no test writes. The figures are sums of the field sizes in APPNOTE.
/// </summary>
public sealed class ZipLayoutTests
{
    private const long Largest32 = uint.MaxValue - 1L;

    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(Largest32, Largest32, 0, 0)]
    [InlineData(Largest32 + 1, 0, 20, 20)]
    [InlineData(0, Largest32 + 1, 0, 12)]
    [InlineData(Largest32 + 1, Largest32 + 1, 20, 28)]
    public void Values_above_32_bits_have_a_zip64_field(long length, long offset, int local, int central)
    {
        Assert.Equal((local, central), (ZipLayout.LocalZip64Bytes(length), ZipLayout.CentralZip64Bytes(length, offset)));
        Assert.Equal(length > Largest32, ZipLayout.NeedsZip64(length));
    }

    [Fact]
    public void Bytes_begin_at_the_next_multiple_of_64()
    {
        for (int i = 0; i < 300; i++)
        {
            foreach (long length in new[] { 0, Largest32, Largest32 + 1 })
            {
                int padding = ZipLayout.Padding(7L * i, i, length);
                Assert.InRange(padding, 0, 63);
                Assert.Equal(0, ((7L * i) + 30 + i + (length > Largest32 ? 20 : 0) + 4 + padding) % 64);
            }
        }
    }

    [Fact]
    public void An_archive_beyond_4_GiB_is_as_long_as_its_parts()
    {
        const long Large = 5L << 30;
        const long Records = 64 + Large + 64 + 10; // headers padded to 64 bytes each
        const long Directory = (46 + 1 + 4 + 16) + (46 + 1 + 4 + 8); // both sizes for the first record, the offset for the second
        const long End = 56 + 20 + 22;

        Assert.Equal(Records + Directory + End, ZipLayout.TotalBytes([("a", Large), ("b", 10)]));
        Assert.Throws<OverflowException>(() => ZipLayout.TotalBytes([("a", long.MaxValue), ("b", 10)]));
        Assert.Throws<OverflowException>(() => ZipLayout.TotalBytes([("a", long.MaxValue - 64)]));
        Assert.Throws<OverflowException>(() => ZipLayout.TotalBytes([("a", long.MaxValue - 65), ("b", 10)]));
    }
}
