using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

public sealed class BarsTests
{
    [Theory]
    [InlineData(0, 0, "")]
    [InlineData(50, 0, "#####")]
    [InlineData(50, 50, "#####=====")]
    [InlineData(200, 50, "##########")]
    public void Kinds_of_memory_follow_one_another(long device, long host, string expected)
    {
        var bars = new Bars(unicode: false);

        Assert.Equal(expected, Bars.Stack(100, 10, (bars.Device, device), (bars.Host, host)));
    }

    [Theory]
    [InlineData(50, 50L, "####|")]
    [InlineData(50, 100L, "#####    |")]
    [InlineData(1, null, "#")]
    [InlineData(100, 0L, "##########")]
    public void The_mark_is_at_the_forecast(long measured, long? forecast, string expected) =>
        Assert.Equal(expected, new Bars(unicode: false).Marked('#', measured, forecast, 100, 10));

    [Fact]
    public void If_only_ASCII_is_possible_a_table_and_its_chart_are_ASCII()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();

        MeasureView.Write(
            [Rows.Loaded("Meta"), Rows.Loaded("Stream", 1L << 30, 3L << 30)],
            inProcess: false,
            CliConsole.ForTerminal(output, error, colour: false, unicode: false));

        string text = output.ToString().Replace('…', '.');
        Assert.All(text, c => Assert.True(char.IsAscii(c), $"{(int)c:x4}"));
        Assert.Contains("########", text, StringComparison.Ordinal);
        Assert.All(text.Split(Environment.NewLine), line => Assert.True(line.Length <= 80, line));
    }

    [Fact]
    public void The_live_line_shows_the_resident_memory_and_the_forecast()
    {
        var bars = new Bars(unicode: false);

        Assert.Equal("measuring Meta (3/6)  1:05", LiveView.Line("measuring Meta (3/6)", TimeSpan.FromSeconds(65), null, 1 << 20, bars));
        string line = LiveView.Line("measuring Sequential #2 (3/6)", TimeSpan.FromSeconds(5), 512L << 20, 1L << 30, bars);
        Assert.Equal("measuring Sequential #2 (3/6)  0:05  resident 512.0 MiB ===... of 1.00 GiB", line);
        Assert.InRange(line.Length, 1, 79);
    }
}
