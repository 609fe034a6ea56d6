using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Cli;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("1", 1L)]
    [InlineData("1b", 1L)]
    [InlineData("512MB", 512L << 20)]
    [InlineData("2GB", 2L << 30)]
    [InlineData("2gib", 2L << 30)]
    [InlineData("2G", 2L << 30)]
    [InlineData("1.5GiB", 3L << 29)]
    [InlineData(".5kb", 512L)]
    [InlineData("1 TB", 1L << 40)]
    [InlineData("0.3GB", 322122547L)]
    [InlineData("8388607.999TB", 9223372035755264180L)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Sizes_are_read_in_the_forms_that_people_write(string text, long bytes)
    {

        Assert.True(ByteSize.TryParse(text, out long read), text);
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GB")]
    [InlineData("0")]
    [InlineData("0.0001KB")]
    [InlineData("-1")]
    [InlineData("1,5GB")]
    [InlineData("1e3")]
    [InlineData("0x10")]
    [InlineData("1PB")]
    [InlineData("1GBGB")]
    [InlineData("8388608TB")]
    [InlineData("9223372036854775808")]
    [InlineData("99999999999999999999999999999999TB")]
    [InlineData("NaN")]
    [InlineData("∞")]
    public void Text_that_is_not_a_positive_64_bit_size_is_refused(string text)
    {

        Assert.False(ByteSize.TryParse(text, out _), text);
    }

    [Fact]
    public void Every_whole_number_of_every_unit_comes_back_exactly() =>
        Prop.ForAll<PositiveInt>(n =>
            ByteSize.TryParse($"{n.Get}", out long bytes) && bytes == n.Get
            && ByteSize.TryParse($"{n.Get}KB", out long kilo) && kilo == (long)n.Get << 10
            && ByteSize.TryParse($"{n.Get}MiB", out long mega) && mega == (long)n.Get << 20
            && ByteSize.TryParse($"{n.Get}g", out long giga) && giga == (long)n.Get << 30).QuickCheckThrowOnFailure();
}
