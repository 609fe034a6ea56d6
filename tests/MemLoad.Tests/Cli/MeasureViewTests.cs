using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

public sealed class MeasureViewTests
{
    private static readonly string[] Strategies = Enum.GetNames<Strategy>();

    [Theory]
    [InlineData(0L, 0L, 1)]
    [InlineData(700L << 20, 64L << 20, 1)]
    [InlineData(1023L << 20, 1023L << 20, 3)]
    [InlineData(13_777_000_000L, 6_753_000_000L, 1)]
    [InlineData(13_777_000_000L, 6_753_000_000L, 12)]
    [InlineData(200L << 30, 100L << 30, 1)]
    [InlineData(4000L << 30, 2000L << 30, 10)]
    public void The_table_fits_80_columns(long device, long host, int run)
    {
        // Deviations give the widest verdicts, and slow disks give the widest times.
        LoadMeasurement[] rows =
        [
            .. Strategies.Select(name => Rows.Loaded(name, device, host, run) with { ElapsedMicroseconds = 98_765_432 }),
            Rows.Loaded("Sequential", device, host, run) with { ForecastHostBytes = (host / 3) + 1, BytesPerSecond = 123_456_789_012 },
            Rows.Loaded("PerTensor", device, host, run) with { ForecastDeviceBytes = (device / 3) + 1 },
            Rows.Loaded("Baseline", device, host, run) with { ForecastHostBytes = (host * 3) + (64 << 20) },
            Rows.Failed("Meta", LoadOutcome.OutOfMemory, "ML7001: no room", run),
        ];

        string text = Rows.Print(console => MeasureView.Write(rows, inProcess: false, console));

        Assert.All(text.Split('\n'), line => Assert.True(line.TrimEnd('\r').Length <= 80, line));
        Assert.All(Strategies, name => Assert.Contains(name, text, StringComparison.Ordinal));
    }

    [Fact]
    public void The_forecast_is_next_to_the_measured_value_and_the_verdict_is_as_forecast()
    {
        LoadMeasurement row = Rows.Loaded("Baseline", 13_777_249_280, 6_753_878_016) with { PeakHostBytes = 6_800_000_000 };

        string text = Rows.Print(console => MeasureView.Write([row], inProcess: false, console));

        Assert.Contains("12.83 / 12.83", text, StringComparison.Ordinal);
        Assert.Contains("6.29 / 6.33", text, StringComparison.Ordinal);
        Assert.Contains("as forecast", text, StringComparison.Ordinal);
        Assert.Contains("GiB", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1000L << 20, 1000L << 20, 1000L << 20, 1000L << 20, "as forecast")]
    [InlineData(1000L << 20, 1000L << 20, 0, 8L << 20, "as forecast")]
    [InlineData(1000L << 20, 1000L << 20, 0, (8L << 20) + 1, "host +8.0 MiB")]
    [InlineData(1000L << 20, 1000L << 20, 1000L << 20, 1019L << 20, "as forecast")]
    [InlineData(1000L << 20, 1000L << 20, 1000L << 20, 1021L << 20, "host +2.1 %")]
    [InlineData(1000L << 20, 1000L << 20, 1000L << 20, 500L << 20, "host -50.0 %")]
    [InlineData(1000L << 20, (1000L << 20) + 512, 1000L << 20, 1000L << 20, "device +512 B")]
    [InlineData(1000L << 20, 1100L << 20, 1000L << 20, 2000L << 20, "device +10.0 %")]
    public void The_verdict_names_the_figures_that_differ_from_the_forecast(
        long forecastDevice, long device, long forecastHost, long host, string verdict)
    {
        LoadMeasurement row = Rows.Loaded("Meta") with
        {
            ForecastDeviceBytes = forecastDevice,
            PeakDeviceBytes = device,
            ForecastHostBytes = forecastHost,
            PeakHostBytes = host,
        };

        Assert.Equal(verdict, row.Verdict);
    }

    [Fact]
    public void A_figure_that_a_platform_does_not_report_is_a_dash_and_not_a_deviation()
    {
        LoadMeasurement row = Rows.Loaded("Meta") with { PeakHostBytes = null, PeakHostFileBytes = null, CachedBytesAtStart = null };

        Assert.Equal("as forecast", row.Verdict);
        Assert.Contains("/ -", Rows.Print(console => MeasureView.Write([row], inProcess: false, console)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_cpu_has_no_column_for_device_memory()
    {
        LoadMeasurement row = Rows.Loaded("Meta", device: 0) with { Device = "cpu" };

        Assert.DoesNotContain(
            "Device", Rows.Print(console => MeasureView.Write([row], inProcess: false, console)), StringComparison.Ordinal);
        Assert.Contains(
            "Device", Rows.Print(console => MeasureView.Write([Rows.Loaded("Meta")], inProcess: false, console)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_digest_in_all_rows_is_stated_once()
    {
        string text = Rows.Print(console => MeasureView.Write([Rows.Loaded("Meta"), Rows.Loaded("Mmap")], inProcess: false, console));

        Assert.Contains("same weights in every row: digest aaaaaaaaaaaaaaaa", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_without_weights_is_not_counted_among_those_that_agree()
    {
        LoadMeasurement[] rows = [Rows.Loaded("Meta"), Rows.Failed("Mmap", LoadOutcome.Refused, "ML7006: no room"), Rows.Loaded("Stream")];

        string text = Rows.Print(console => MeasureView.Write(rows, inProcess: false, console));

        Assert.Contains("same weights in every row that loaded: digest", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Different_digests_are_reported_in_capitals()
    {
        LoadMeasurement[] rows = [Rows.Loaded("Meta"), Rows.Loaded("Mmap") with { WeightsDigest = new string('b', 64) }];

        string text = Rows.Print(console => MeasureView.Write(rows, inProcess: false, console));

        Assert.Contains("THE WEIGHTS DIFFER", text, StringComparison.Ordinal);
        Assert.DoesNotContain("same weights", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_row_shows_its_message_in_full()
    {
        string text = Rows.Print(console =>
            MeasureView.Write([Rows.Failed("Meta", LoadOutcome.Refused, "ML7001: no room. Get more.")], inProcess: false, console));

        Assert.Contains("refused", text, StringComparison.Ordinal);
        Assert.Contains("Meta: ML7001: no room. Get more.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Colour_is_for_terminals_only()
    {
        LoadMeasurement[] rows = [Rows.Loaded("Meta")];

        Assert.Contains(
            "\u001b[",
            Rows.Print(console => MeasureView.Write(rows, inProcess: false, console), colour: true),
            StringComparison.Ordinal);
        Assert.DoesNotContain(
            "\u001b", Rows.Print(console => MeasureView.Write(rows, inProcess: false, console)), StringComparison.Ordinal);
    }
}
