using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

public sealed class StatusLineTests
{
    [Fact]
    public void Short_work_without_a_terminal_prints_nothing()
    {
        using var error = new StringWriter();
        using (var status = new StatusLine(CliConsole.ForWriters(TextWriter.Null, error)))
        {
            status.Show("measuring");
            status.Bytes("writing", 100).Report(50);
        }

        Assert.Empty(error.ToString());
    }

    [Fact]
    public void A_terminal_gets_one_line_that_is_removed_at_the_end()
    {
        using var error = new StringWriter();
        using (var status = new StatusLine(CliConsole.ForTerminal(TextWriter.Null, error, colour: true)))
        {
            status.Show("measuring Sequential (2/6)");
            status.Show("measuring Meta (3/6)");
        }

        string text = error.ToString();
        Assert.DoesNotContain('\n', text);
        Assert.Contains("\rmeasuring Sequential (2/6)\rmeasuring Meta (3/6)      \r", text, StringComparison.Ordinal);
        Assert.Equal(20, text.Split('\r')[^2].Count(c => c == ' '));
        Assert.EndsWith("\r", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0L, 0L)]
    [InlineData(50L, 0L)]
    [InlineData(0L, 1L << 40)]
    [InlineData(1L << 39, 1L << 40)]
    [InlineData(2L << 40, 1L << 40)]
    public void A_bar_stays_within_the_line_and_within_100_percent(long done, long total)
    {

        string line = StatusLine.Line("making gpt2-small once", done, total, TimeSpan.FromSeconds(100), withBar: true);

        Assert.True(line.Length < 80, line);
        Assert.Matches(@" {1,3}(\d|\d\d|100) %  ", line);
        Assert.Equal(16, line.Count(c => c is '█' or '░'));
    }
}
