using System.Text.Json.Nodes;
using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Reports;

public sealed class TimelineFileTests
{
    private static readonly LoadMeasurement Row = Rows.Loaded("Stream");

    [Fact]
    public void Written_samples_are_read_back_and_matched_to_their_row()
    {
        using var folder = new TemporaryFolder();
        LoadTimeline[] written = [Samples.Of(Row), Samples.Of(Row with { Run = 2, HostName = "nöde <&> \"" })];
        TimelineFile.Append(folder["a.jsonl"], [written[0]]);
        TimelineFile.Append(folder["a.jsonl"], [written[1]]);

        IReadOnlyList<LoadTimeline> read = TimelineFile.Read(folder["a.jsonl"]);

        Assert.Equal(["a.jsonl"], folder.Names);
        Assert.Equal(2, read.Count);
        Assert.All(written.Zip(read), pair => Assert.Equal(pair.First.Points, pair.Second.Points));
        Assert.True(
            read[0].IsOf(Row) && !read[0].IsOf(Row with { Run = 2 }) && !read[0].IsOf(Row with { StartedAt = Row.StartedAt.AddSeconds(1) })
        );
        Assert.True(read[1].IsOf(Row with { Run = 2, HostName = "nöde <&> \"" }));
    }

    [Fact]
    public void Concurrent_writers_of_one_file_lose_no_lines()
    {
        using var folder = new TemporaryFolder();

        Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 8 }, run =>
            TimelineFile.Append(folder["a.jsonl"], [Samples.Of(Row with { Run = run }, count: 200)]));

        Assert.Equal(Enumerable.Range(0, 40), TimelineFile.Read(folder["a.jsonl"]).Select(timeline => timeline.Run).Order());
        Assert.Equal(["a.jsonl"], folder.Names);
    }

    [Fact]
    public void Adding_to_a_file_reads_only_its_last_line_and_writes_only_the_new_lines()
    {
        using var folder = new TemporaryFolder();
        TimelineFile.Append(folder["a.jsonl"], [Samples.Of(Row)]);
        byte[] line = File.ReadAllBytes(folder["a.jsonl"]);
        // The content before the last line is not read, and here it is not text. The content that stays keeps its blocks on the disk.
        File.WriteAllBytes(folder["a.jsonl"], [.. new byte[1 << 20], (byte)'\n', .. line]);
        ulong? before = LinuxFileStatus.Of(folder["a.jsonl"])?.Inode;

        TimelineFile.Append(folder["a.jsonl"], [Samples.Of(Row)]);

        Assert.Equal([.. new byte[1 << 20], (byte)'\n', .. line, .. line], File.ReadAllBytes(folder["a.jsonl"]));
        Assert.Equal(before, LinuxFileStatus.Of(folder["a.jsonl"])?.Inode);
    }

    [Fact]
    public async Task A_wait_for_another_writer_can_be_cancelled()
    {
        using var folder = new TemporaryFolder();
        string path = folder["a.jsonl"];
        TimelineFile.Append(path, [Samples.Of(Row)]);
        using FileStream held = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        foreach (Action<CancellationToken> wait in (Action<CancellationToken>[])
            [token => TimelineFile.RequireAppendable(path, token), token => TimelineFile.Append(path, [Samples.Of(Row)], token)])
        {
            using var stop = new CancellationTokenSource();
            Task waiting = Task.Run(() => wait(stop.Token), CancellationToken.None);
            await Task.Delay(50, CancellationToken.None);
            Assert.False(waiting.IsCompleted);

            await stop.CancelAsync();

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("")]
    [InlineData("\r\n \n")]
    public void A_last_line_can_have_any_line_ending_and_any_length(string end)
    {
        using var folder = new TemporaryFolder();
        string line = System.Text.Encoding.UTF8.GetString(TimelineFile.Format(Samples.Of(Row, count: 20_000)).Span).TrimEnd();
        string path = folder.Write("a.jsonl", "\uFEFF" + line + end);

        TimelineFile.Append(path, [Samples.Of(Row with { Run = 7 })]);

        Assert.Equal([Row.Run, 7], TimelineFile.Read(path).Select(timeline => timeline.Run));
    }

    [Fact]
    public void A_time_can_have_another_offset() =>
        Assert.True(Samples.Of(Row).IsOf(Row with { StartedAt = Row.StartedAt.ToOffset(TimeSpan.FromHours(2)) }));

    [Theory]
    [InlineData("TimelineVersion", "2", "ML8113")]
    [InlineData("TimelineVersion", "\"1\"", "ML8112")]
    [InlineData("Strategy", "1", "ML8112")]
    [InlineData("Strategy", "\"\\ud800\"", "ML8111")]
    [InlineData("Run", "3000000000", "ML8112")]
    [InlineData("Run", "1.5", "ML8112")]
    [InlineData("StartedAt", "\"yesterday\"", "ML8112")]
    [InlineData("Phases", "[1]", "ML8112")]
    [InlineData("Phases", "[]", "ML8112")]
    [InlineData("Microseconds", "[0,10,5]", "ML8112")]
    [InlineData("Microseconds", "[0,null,5]", "ML8112")]
    [InlineData("Microseconds", "[0,5]", "ML8112")]
    [InlineData("HostBytes", "[0,-1,5]", "ML8112")]
    [InlineData("HostBytes", "[0,9223372036854775808,5]", "ML8112")]
    [InlineData("HostBytes", "[0,1e3,5]", "ML8112")]
    [InlineData("HostBytes", "[0,[],5]", "ML8112")]
    [InlineData("HostBytes", "[0,1]", "ML8112")]
    [InlineData("Phase", "[0,0,7]", "ML8112")]
    [InlineData("DeviceBytes", null, "ML8112")]
    [InlineData("Colour", "\"red\"", "ML8112")]
    public void Malformed_samples_are_refused_with_their_place(string field, string? value, string rule)
    {
        using var folder = new TemporaryFolder();
        JsonObject line = JsonNode.Parse(TimelineFile.Format(Samples.Of(Row, count: 3)).Span)!.AsObject();
        _ = line.Remove(field);
        string text = line.ToJsonString();
        string json = value is null ? text : $"{text[..^1]},\"{field}\":{value}}}";

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => TimelineFile.Read(folder.Write("bad.jsonl", $"\n{json}\n")));

        Assert.Equal(rule, refusal.Rule.Id);
        Assert.True(refusal.Offset > 0);
    }

    [Theory]
    [InlineData("not json", "ML8111")]
    [InlineData("[]", "ML8112")]
    [InlineData("{\"Run\":1,\"Run\":1}", "ML8111")]
    [InlineData("{\"TimelineVersion\":1", "ML8111")]
    [InlineData("", "ML1003")]
    public void Another_file_is_refused_and_not_changed(string content, string rule)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("model.pth", content);

        Assert.Equal(rule, Assert.Throws<MemLoadException>(() => TimelineFile.Read(path)).Rule.Id);
        if (content.Length > 0)
        {
            Assert.Equal(rule, Assert.Throws<MemLoadException>(() => TimelineFile.Append(path, [Samples.Of(Row)])).Rule.Id);
            Assert.Equal(content, File.ReadAllText(path));
        }
    }

    [Fact]
    public void A_line_has_a_hundred_thousand_samples_at_most()
    {
        string most = System.Text.Encoding.UTF8.GetString(TimelineFile.Format(Samples.Of(Row, count: 100_000)).Span).TrimEnd();
        string more = System.Text.Encoding.UTF8.GetString(TimelineFile.Format(Samples.Of(Row, count: 100_001)).Span).TrimEnd();

        Assert.Equal(100_000, TimelineFile.Parse(most).Points.Count);
        Assert.Equal("ML8112", Assert.Throws<MemLoadException>(() => TimelineFile.Parse(more)).Rule.Id);
    }

    [Fact]
    public void Every_prefix_of_a_line_is_refused()
    {
        string line = System.Text.Encoding.UTF8.GetString(TimelineFile.Format(Samples.Of(Row, count: 3)).Span).TrimEnd();

        Assert.All(Enumerable.Range(1, line.Length - 1), length =>
            Assert.Throws<MemLoadException>(() => TimelineFile.Parse(line[..length])));
        Assert.Equal(3, TimelineFile.Parse(line).Points.Count);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(17)]
    [InlineData(1000)]
    public void Thinning_keeps_the_ends_and_the_peaks(int most)
    {
        TimelinePoint[] points =
        [
            .. Enumerable
                .Range(0, 20_000)
                .Select(i => new TimelinePoint(
                    i * 7L,
                    i == 12_345 ? 1L << 40 : i % 97,
                    0,
                    null,
                    i == 4_321 ? 1L << 41 : 0,
                    0,
                    null,
                    "Fill")),
        ];

        IReadOnlyList<TimelinePoint> thin = PointThinning.Thin(points, most);

        Assert.InRange(thin.Count, 2, most);
        Assert.Equal(points[0], thin[0]);
        Assert.Equal(points[^1], thin[^1]);
        Assert.Contains(points[12_345], thin);
        Assert.Contains(points[4_321], thin);
        Assert.Equal(thin.OrderBy(point => point.Microseconds), thin);
    }

    [Theory]
    [InlineData(Strategy.Baseline)]
    [InlineData(Strategy.Stream)]
    [InlineData(Strategy.Mmap)]
    public void A_measured_load_gives_samples_whose_forecast_peaks_at_the_rows(Strategy strategy)
    {
        LoadTimeline? timeline = null;
        LoadMeasurement row = MeasuredLoad.Run(
            new MeasureRequest(
                new LoadRequest
                {
                    Path = Fixtures.PathOf("tiny/fp32.pth"),
                    Device = "sim",
                    Strategy = strategy,
                }),
            measured => timeline = measured);

        Assert.Equal("Loaded", row.Outcome);
        Assert.True(timeline!.IsOf(row));
        Assert.InRange(timeline.Points.Max(point => point.ForecastDeviceBytes)!.Value, 1, row.ForecastDeviceBytes!.Value);
        Assert.InRange(timeline.Points.Max(point => point.ForecastHostBytes)!.Value, 0, row.ForecastHostBytes!.Value);
        Assert.Equal(row.PeakDeviceBytes > 0, timeline.Points[^1].DeviceBytes > 0);
        Assert.NotNull(timeline.Points[^1].Phase);
    }
}
