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
        // A few kilobytes fit every machine that runs these tests. A platform that reports no limit gives no answer.
        Assert.All(rows, row => Assert.NotEqual(JsonValueKind.False, row.GetProperty("Fits").ValueKind));
    }

    [Fact]
    public void An_exceeded_limit_is_a_row_that_does_not_fit_with_the_reason()
    {
        JsonElement[] rows = Json("--host-memory-limit", "70KB", "--strategy", "Baseline,Mmap");

        Assert.Equal([false, true], rows.Select(row => row.GetProperty("Fits").GetBoolean()));
        Assert.StartsWith("ML7005: ", rows[0].GetProperty("Message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cast_is_in_every_row_and_in_the_caption()
    {
        Assert.All(Json("--dtype", "BFloat16"), row => Assert.Equal("bfloat16", row.GetProperty("DType").GetString()));
        Assert.All(Json(), row => Assert.Equal(JsonValueKind.Null, row.GetProperty("DType").ValueKind));
        Assert.Contains(
            $", cast to float16{Environment.NewLine}",
            CliRun.Of("plan", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--dtype", "float16").Output,
            StringComparison.Ordinal);
        Assert.Equal(2, CliRun.Of("plan", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--dtype", "int8").ExitCode);
    }

    [Fact]
    public void The_table_fits_80_columns_and_shows_every_strategy()
    {
        CliRun run = CliRun.Of("plan", "--path", Fixtures.PathOf("tiny/fp32.pth"));

        Assert.All(Strategies.All, strategy => Assert.Contains($"\n {strategy} ", run.Output, StringComparison.Ordinal));
        Assert.All(run.Output.Split('\n').Where(line => !line.Contains(Path.DirectorySeparatorChar)), line =>
            Assert.True(line.TrimEnd('\r').Length <= 80, line));
    }

    [Fact]
    public void Auto_names_its_choice_and_the_reason()
    {
        JsonElement row = Assert.Single(Json("--strategy", "Auto", "--device", "cpu"));

        Assert.Equal("Auto", row.GetProperty("Strategy").GetString());
        Assert.Contains(Strategies.All, strategy => strategy.ToString() == row.GetProperty("ChosenStrategy").GetString());
        Assert.Contains("the fastest plan that fits", row.GetProperty("Note").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sim")]
    [InlineData("cpu")]
    public void Detailed_gives_every_step_with_running_totals_that_peak_where_the_forecast_says(string device)
    {
        foreach (JsonElement row in Json("--device", device))
        {
            JsonElement[] steps = Json("--detailed", "--device", device, "--strategy", row.GetProperty("Strategy").GetString()!);

            Assert.Equal(Enumerable.Range(1, steps.Length), steps.Select(step => step.GetProperty("Step").GetInt32()));
            long host = row.GetProperty("ForecastHostBytes").GetInt64();
            Assert.Equal(host, steps.Max(step => step.GetProperty("HostBytes").GetInt64()));
            Assert.Equal(host > 0 ? 1 : 0, steps.Count(step => step.GetProperty("IsHostPeak").GetBoolean()));
            Assert.All(steps.Where(step => step.GetProperty("IsHostPeak").GetBoolean()), step =>
                Assert.Equal(host, step.GetProperty("HostBytes").GetInt64()));
            Assert.Equal(device == "sim" ? 1 : 0, steps.Count(step => step.GetProperty("IsDevicePeak").GetBoolean()));
        }
    }

    [Fact]
    public void Detailed_as_a_table_fits_80_columns_and_names_the_step_of_each_peak()
    {
        CliRun run = CliRun.Of("plan", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--strategy", "Sequential", "--detailed");

        Assert.All(run.Output.Split('\n'), line => Assert.True(line.TrimEnd('\r').Length <= 100, line));
        Assert.Contains("peak of the host (", run.Output, StringComparison.Ordinal);
        Assert.Contains("peak of the device (", run.Output, StringComparison.Ordinal);
        Assert.Contains("CopyWeights", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Device", "cpu,sim", "--device", "cpu,sim")]
    [InlineData("Rank", "0,1", "--device", "sim", "--rank-count", "2")]
    [InlineData("Rank", "1", "--device", "sim", "--rank-count", "2", "--rank", "1")]
    public void Detailed_steps_name_their_plan(string column, string values, params string[] options)
    {
        string[] expected = values.Split(',');
        var plans = Json(["--detailed", "--strategy", "Stream", .. options]).GroupBy(step => step.GetProperty(column).ToString()).ToList();
        CliRun table = CliRun.Of(["plan", Fixtures.PathOf("tiny/fp32.pth"), "--detailed", "--strategy", "Stream", .. options]);

        Assert.Equal(expected, plans.Select(plan => plan.Key));
        Assert.All(plans, plan =>
            Assert.Equal(Enumerable.Range(1, plan.Count()), plan.Select(step => step.GetProperty("Step").GetInt32())));
        string[] titles = [.. table.Output.Split('\n').Where(line => line.StartsWith("Stream", StringComparison.Ordinal))];
        Assert.Equal(expected.Length, titles.Length);
        Assert.All(expected.Zip(titles), pair => Assert.Contains($" {pair.First}", pair.Second, StringComparison.Ordinal));
    }

    [Fact]
    public void Detailed_plans_of_one_strategy_are_not_mixed()
    {
        CliRun run = CliRun.Of("plan", Fixtures.PathOf("tiny/fp32.pth"), "--device", "cpu", "--detailed", "--strategy", "Auto,"
            + string.Join(',', Strategies.All));

        int titles = run.Output.Split('\n').Count(line => line.Contains(", held after ", StringComparison.Ordinal));
        Assert.Equal(Strategies.All.Count + 1, titles);
    }

    [Fact]
    public void The_weights_are_divided_among_the_ranks()
    {
        long whole = Assert.Single(Json("--strategy", "Mmap")).GetProperty("ModelBytes").GetInt64();
        IEnumerable<long> parts = Enumerable
            .Range(0, 3)
            .Select(rank =>
                Assert
                    .Single(
                        Json(
                            "--strategy",
                            "Mmap",
                            "--rank",
                            rank.ToString(System.Globalization.CultureInfo.InvariantCulture),
                            "--rank-count",
                            "3"))
                    .GetProperty("ModelBytes")
                    .GetInt64());

        Assert.Equal(whole, parts.Sum());
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

    // As in scripts: memload plan … && memload measure …
    [Theory]
    [InlineData(1, "--strategy", "Auto", "--device-memory-limit", "1KB")]
    [InlineData(1, "--strategy", "Auto", "--device-memory-limit", "1KB", "--detailed")]
    [InlineData(1, "--strategy", "Baseline", "--host-memory-limit", "1KB")]
    [InlineData(1, "--device-memory-limit", "1KB")]
    [InlineData(0, "--strategy", "Baseline,Mmap", "--host-memory-limit", "70KB")]
    [InlineData(0, "--strategy", "Auto", "--host-memory-limit", "70KB")]
    public void If_no_plan_fits_the_exit_code_is_1(int expected, params string[] options)
    {
        CliRun run = CliRun.Of(["plan", Fixtures.PathOf("tiny/fp32.pth"), "--device", "sim", .. options]);

        Assert.Equal(expected, run.ExitCode);
        Assert.NotEmpty(run.Output);
    }

    private static JsonElement[] Json(params string[] args)
    {
        CliRun run = CliRun.Of(["plan", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--format", "json", .. args]);
        Assert.True(run.ExitCode == 0, run.Error);
        return [.. JsonDocument.Parse(run.Output).RootElement.EnumerateArray()];
    }

    [Fact]
    public void The_title_of_slices_counts_each_tensor_once()
    {
        CliRun run = CliRun.Of(
            "plan", Fixtures.PathOf("tiny/fp32.pth"), "--strategy", "Stream", "--rank-count", "2", "--split", "columns", "--device", "sim");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("fp32.pth: 39 tensors, ", run.Output, StringComparison.Ordinal);
        Assert.Contains(", columns split among 2 ranks", run.Output, StringComparison.Ordinal);
    }
}
