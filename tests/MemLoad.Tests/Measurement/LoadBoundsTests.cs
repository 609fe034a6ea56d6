using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Measurement;

public sealed class LoadBoundsTests
{
    private static readonly LoadMeasurement Row = Rows.Loaded("Stream", device: 3L << 30, host: 5L << 20) with
    {
        ElapsedMicroseconds = 2_500_000,
        SchemaVersion = LoadMeasurement.CurrentSchema,
    };

    [Theory]
    [InlineData("time=2.5", null)]
    [InlineData("time=2.4s", "time 2.50 s is above 2.40 s")]
    [InlineData("time=2499ms", "time 2.50 s is above 2.50 s")]
    [InlineData("TIME = 1m", null)]
    [InlineData("time=0.5h,host=5MB", null)]
    [InlineData("host=4.9MiB", "host 5.0 MiB is above 4.9 MiB")]
    [InlineData("device=3GB", null)]
    [InlineData("device=2GB,host=1", "host 5.0 MiB is above 1 B; device 3.00 GiB is above 2.00 GiB")]
    [InlineData("host=1,host=1GB", null)]
    public void A_figure_above_its_bound_is_named(string text, string? reason)
    {
        Assert.True(LoadBounds.TryParse(text.Split(','), out LoadBounds bounds, out string? wrong), wrong);

        Assert.Equal(reason, bounds.Exceeded(Row));
    }

    [Theory]
    [InlineData("time")]
    [InlineData("=2")]
    [InlineData("time=")]
    [InlineData("time=0")]
    [InlineData("time=-1s")]
    [InlineData("time=2 weeks")]
    [InlineData("time=1e9")]
    [InlineData("time=99999999999999999999999999h")]
    [InlineData("host=2s")]
    [InlineData("host=-1")]
    [InlineData("hosts=2")]
    [InlineData("device=0")]
    [InlineData("")]
    public void Anything_else_is_refused_and_named(string word)
    {
        Assert.False(LoadBounds.TryParse(["host=1GB", word], out _, out string? wrong));
        Assert.Equal(word, wrong);
    }

    [Fact]
    public void The_worst_bound_decides_and_a_load_that_did_not_succeed_fails()
    {
        LoadBounds low = new(HostBytes: 1);
        LoadBounds high = new(HostBytes: 1L << 40);

        Assert.Equal(("Pass", null, "as forecast"), StatusOf(Row, high, high));
        Assert.Equal(("Warn", "host 5.0 MiB is above 1 B", "host 5.0 MiB is above 1 B"), StatusOf(Row, low, high));
        Assert.Equal("Fail", StatusOf(Row, low, low).Status);
        Assert.Equal(("Warn", null, "host +100.0 MiB"), StatusOf(Row with { PeakHostBytes = 105L << 20 }, null, null));
        Assert.Equal(("Fail", null, "refused"), StatusOf(Rows.Failed("Meta", LoadOutcome.Refused, "ML7005: no"), high, high));
        Assert.Equal("Loaded", Row.Judged(low, low).Outcome);
        Assert.Equal("ML8018", Row.Judged(low, low).Problem()?.RuleId);
        Assert.Null(Row.Judged(low, high).Problem());
    }

    private static (string? Status, string? Reason, string Verdict) StatusOf(LoadMeasurement row, LoadBounds? warn, LoadBounds? fail)
    {
        LoadMeasurement judged = (row with { SchemaVersion = LoadMeasurement.CurrentSchema }).Judged(warn, fail);
        return (judged.Status, judged.StatusReason, judged.Verdict);
    }

    [Theory]
    [InlineData(0, "Pass")]
    [InlineData(0, "Warn", "--warn-above", "time=1ms,host=1", "--warn-above", "time=0.000001")]
    [InlineData(1, "Warn", "--warn-above", "time=0.000001", "--fail-on", "warn")]
    [InlineData(1, "Fail", "--fail-above", "time=0.000001")]
    [InlineData(0, "Fail", "--fail-above", "time=0.000001", "--fail-on", "never")]
    [InlineData(1, "Fail", "--host-memory-limit", "1", "--device", "cpu")]
    [InlineData(0, "Fail", "--host-memory-limit", "1", "--device", "cpu", "--fail-on", "Never")]
    public void The_exit_code_depends_on_the_rows_that_the_user_selected(int exitCode, string status, params string[] options)
    {
        string[] load = ["measure", Fixtures.PathOf("tiny/fp32.pth"), "--in-process", "--strategy", "Baseline", "--format", "json"];
        CliRun run = CliRun.Of([.. load, .. options]);

        Assert.Equal((exitCode, ""), (run.ExitCode, run.Error));
        Assert.Contains($"\"Status\": \"{status}\"", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--warn-above", "time=soon")]
    [InlineData("--fail-above", "4GB")]
    [InlineData("--fail-on", "sometimes")]
    public void An_invalid_bound_is_an_error_of_the_command_line(params string[] options)
    {
        CliRun run = CliRun.Of(["measure", Fixtures.PathOf("tiny/fp32.pth"), .. options]);

        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains(options[1], run.Error, StringComparison.Ordinal);
    }
}
