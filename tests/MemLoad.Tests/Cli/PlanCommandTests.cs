using System.Text.Json;

namespace MemLoad.Tests.Cli;

public sealed class PlanCommandTests
{
    [Theory]
    [InlineData("--strategy", "sequential,META", "--strategy", "Stream")]
    [InlineData("--strategy", "Sequential", "meta", "stream")]
    [InlineData("--strategy", " sequential , Meta,STREAM ")]
    [InlineData("--strategy", "Sequential,Meta,Sequential,Stream")]
    public void Strategies_are_split_at_commas_or_repeated_in_any_case_and_each_counts_once(params string[] strategies)
    {
        Assert.Equal(["Sequential", "Meta", "Stream"], Json(strategies).Select(row => row.GetProperty("Strategy").GetString()));
    }

    [Fact]
    public void Without_a_strategy_all_six_are_planned_on_the_simulated_device()
    {
        JsonElement[] rows = Json();

        Assert.Equal(Strategies.All.Select(strategy => strategy.ToString()), rows.Select(row => row.GetProperty("Strategy").GetString()));
        Assert.All(rows, row => Assert.Equal("sim", row.GetProperty("Device").GetString()));
        // A few kilobytes fit anywhere that runs these tests; a platform that tells no limit says neither yes nor no.
        Assert.All(rows, row => Assert.NotEqual(JsonValueKind.False, row.GetProperty("Fits").ValueKind));
    }

    [Fact]
    public void A_limit_that_is_exceeded_is_a_row_that_does_not_fit_and_says_why()
    {
        JsonElement[] rows = Json("--host-memory-limit", "70KB", "--strategy", "Baseline,Mmap");

        Assert.Equal([false, true], rows.Select(row => row.GetProperty("Fits").GetBoolean()));
        Assert.StartsWith("ML7005: ", rows[0].GetProperty("Message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_fits_80_columns_and_shows_every_strategy()
    {
        CliRun run = CliRun.Of("plan", "--path", Fixtures.PathOf("tiny/fp32.pth"));

        Assert.All(Strategies.All, strategy => Assert.Contains($"\n {strategy} ", run.Output, StringComparison.Ordinal));
        Assert.All(run.Output.Split('\n').Where(line => !line.Contains(Path.DirectorySeparatorChar)), line => Assert.True(line.TrimEnd('\r').Length <= 80, line));
    }

    [Fact]
    public void An_unknown_device_is_a_usage_error_and_an_absent_one_is_not()
    {
        CliRun unknown = CliRun.Of("plan", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--device", "tpu");
        CliRun absent = CliRun.Of("plan", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--device", "cuda:0");

        Assert.Equal((2, 1), (unknown.ExitCode, absent.ExitCode));
        Assert.StartsWith("memload: error ML7003: ", Assert.Single(unknown.ErrorLines), StringComparison.Ordinal);
        Assert.StartsWith("memload: error ML7004: ", Assert.Single(absent.ErrorLines), StringComparison.Ordinal);
    }

    private static JsonElement[] Json(params string[] args)
    {
        CliRun run = CliRun.Of(["plan", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--format", "json", .. args]);
        Assert.True(run.ExitCode == 0, run.Error);
        return [.. JsonDocument.Parse(run.Output).RootElement.EnumerateArray()];
    }
}
