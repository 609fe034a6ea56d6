using MemLoad.Tests.Checkpoints;
using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Measurement;

/// <summary>Ranks of one checkpoint that load at the same time, each in its own process.</summary>
public sealed class RanksTests : IDisposable
{
    private static readonly WorkerCommand Worker = new(
        "dotnet", [Path.Combine(AppContext.BaseDirectory, "memload.dll"), WorkerCommand.Verb]);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static IReadOnlyList<LoadRequest> Ranks(int count, string devices, params Strategy[] strategies) =>
        new LoadRequest
        {
            Path = Fixtures.PathOf("tiny/fp32.pth"),
            Strategy = Strategy.Auto,
            RankCount = count,
        }.By(strategies, [devices], null);

    [Fact]
    public void Without_a_rank_every_rank_has_its_own_device_and_loads_with_the_others()
    {
        IReadOnlyList<LoadRequest> requests = Ranks(2, "cuda:0,cuda:1", Strategy.Stream, Strategy.Meta);

        Assert.Equal(
            [(Strategy.Stream, 0, "cuda:0"), (Strategy.Stream, 1, "cuda:1"), (Strategy.Meta, 0, "cuda:0"), (Strategy.Meta, 1, "cuda:1")],
            requests.Select(request => (request.Strategy, request.Rank, request.Device)));
        Assert.All(requests, request => Assert.True(request.WithOtherRanks));
        Assert.Equal(
            [(0, 1), (1, 1), (0, 2), (1, 2)],
            MeasureRequest.Repeat([.. requests.Take(2)], 2, CacheState.AsIs).Select(load => (load.Load.Rank, load.Run)));
        Assert.Equal(["sim", "sim", "sim"], Ranks(3, "sim", Strategy.Stream).Select(request => request.Device));
    }

    [Theory]
    [InlineData(4, "cuda:0", "one device is named")]
    [InlineData(2, "torch:cuda:1", "one device is named")]
    [InlineData(4, "cuda:0,cuda:1", "2 devices are named")]
    [InlineData(2, "cpu,sim,sim:unified", "3 devices are named")]
    [InlineData(1025, "cpu", "1025 ranks would load at the same time, more than 1024")]
    [InlineData(int.MaxValue, "sim", "more than 1024")]
    public void Ranks_that_would_share_a_card_are_refused_and_one_rank_is_not(int count, string devices, string finding)
    {
        MemLoadException refusal = Assert.Throws<MemLoadException>(() => Ranks(count, devices));

        Assert.Equal("ML7009", refusal.Rule.Id);
        Assert.Contains(finding, refusal.Message, StringComparison.Ordinal);
        LoadRequest one = new LoadRequest { Path = "x", Strategy = Strategy.Auto, RankCount = count }.By([Strategy.Meta], [devices], 1)[0];
        Assert.Equal((1, false), (one.Rank, one.WithOtherRanks));
    }

    [Fact]
    public void The_forecast_of_each_rank_is_that_of_the_rank_alone_and_the_sum_is_in_every_row()
    {
        LoadForecast[] rows = [.. LoadPlanner.Forecast(Ranks(3, "sim"))];

        Assert.Equal(6 * 3, rows.Length);
        foreach (LoadForecast row in rows)
        {
            LoadForecast alone = LoadPlanner.Forecast(
                new LoadRequest
                {
                    Path = row.Path,
                    Strategy = Enum.Parse<Strategy>(row.Strategy),
                    Device = "sim",
                    Rank = (int)row.Rank!,
                    RankCount = 3,
                });
            Assert.Equal(
                (alone.ForecastHostBytes, alone.ForecastDeviceBytes, alone.TensorCount),
                (row.ForecastHostBytes, row.ForecastDeviceBytes, row.TensorCount));
            Assert.Null(alone.RanksForecastHostBytes);
            Assert.Equal(
                rows.Where(other => other.Strategy == row.Strategy).Sum(other => other.ForecastHostBytes), row.RanksForecastHostBytes);
        }
        Assert.Equal(
            LoadPlanner.Forecast(Ranks(1, "sim")[0]).TensorCount, rows.Where(row => row.Strategy == "Stream").Sum(row => row.TensorCount));
    }

    [Fact]
    public void Memory_for_the_other_ranks_is_subtracted_from_limits_of_the_host_and_not_of_a_process()
    {
        using IDevice cpu = DeviceRegistry.Open("cpu");
        LoadRequest request = Ranks(2, "cpu")[0];
        var headroom = Headroom.Of([
            new MemoryLimit("group", Counted.AnonymousAndShared, 100, 10, 0, "the group"),
            new MemoryLimit("ulimit -v", Counted.AddressSpace, 100, 10, 0, "the space"),
        ]);

        MemoryBudget alone = MemoryBudget.For(request, cpu, headroom);
        MemoryBudget beside = MemoryBudget.For(request with { OtherRanksBytes = 60 }, cpu, headroom);

        Assert.Equal([90, 90], alone.HostLimits.Select(limit => limit.BudgetBytes));
        Assert.Equal([30, 90], beside.HostLimits.Select(limit => limit.BudgetBytes));
        Assert.Contains("60 B are kept for the other ranks", beside.HostLimits[0].Why, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Ranks_that_fit_alone_and_not_together_do_not_fit()
    {
        MemoryLimit? limit = Headroom.Now().Limits.FirstOrDefault(limit => limit.Counts == Counted.AnonymousAndShared);
        Skip.If(limit is null, "there is no limit on the memory of all processes");
        long each = limit.BudgetBytes / 10 * 6;
        byte[] header = CheckpointKit.Safetensors(
            $$$"""
            {"a": {"dtype": "U8", "shape": [{{{each}}}], "data_offsets": [0, {{{each}}}]},
             "b": {"dtype": "U8", "shape": [{{{each}}}], "data_offsets": [{{{each}}}, {{{2 * each}}}]}}
            """);
        string path = _folder.Write("large.safetensors", header);
        using (FileStream file = File.OpenWrite(path))
        {
            file.SetLength(header.Length + (2 * each)); // no byte of it is written
        }
        LoadRequest both = new() { Path = path, Strategy = Strategy.Auto, RankCount = 2 };

        LoadForecast alone = LoadPlanner.Forecast(both.By([Strategy.Stream], ["cpu"], 0)[0]);
        LoadForecast[] together = [.. LoadPlanner.Forecast(both.By([Strategy.Stream], ["cpu"], null))];

        Assert.True(alone.Fits);
        Assert.Equal([false, false], together.Select(row => row.Fits));
        Assert.All(together, row => Assert.Contains("kept for the other ranks", row.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Auto_gives_each_rank_the_same_part_of_the_budget()
    {
        LoadForecast whole = LoadPlanner.Forecast(Ranks(1, "cpu", Strategy.Stream)[0]);
        LoadForecast[] rows = [.. LoadPlanner.Forecast(Ranks(2, "cpu", Strategy.Auto))];

        if (whole.HostBudgetBytes is long budget)
        {
            Assert.All(rows, row => Assert.InRange(row.HostBudgetBytes!.Value, 0, (budget / 2) + (budget / 10)));
        }
        Assert.All(rows, row => Assert.True(row.Fits ?? true));
    }

    [Fact]
    public async Task All_ranks_load_every_tensor_once_and_their_memory_is_added_up()
    {
        var session = new MeasureSession(
            MeasureRequest.Repeat(Ranks(2, "sim", Strategy.Stream, Strategy.Mmap), 1, CacheState.AsIs), Worker);
        var rows = new List<LoadMeasurement>();
        foreach (IReadOnlyList<MeasureRequest> turn in session.Turns)
        {
            rows.AddRange(await session.MeasureAsync(turn, default));
        }

        Assert.Equal(4, rows.Count);
        Assert.All(rows, row => Assert.Equal((nameof(LoadOutcome.Loaded), null, 2L), (row.Outcome, row.Message, row.RankCount)));
        Assert.Null(session.Disagreement());
        Assert.Equal(2, rows.Select(row => row.WeightsDigest).Distinct().Count());
        foreach (IGrouping<string, LoadMeasurement> turn in rows.GroupBy(row => row.Strategy))
        {
            Assert.Equal(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth")).Tensors.Length, turn.Sum(row => row.TensorCount));
            Assert.All(turn, row =>
                Assert.Equal(
                    (turn.Sum(other => other.ForecastHostBytes), turn.Sum(other => other.PeakHostBytes)),
                    (row.RanksForecastHostBytes, row.RanksPeakHostBytes)));
        }
    }

    [Fact]
    public async Task A_refused_rank_does_not_block_the_other_ranks()
    {
        LoadRequest[] ranks = [.. Ranks(3, "cpu", Strategy.Stream)];
        ranks[1] = ranks[1] with { HostMemoryLimit = 1 };
        var session = new MeasureSession(MeasureRequest.Repeat(ranks, 1, CacheState.AsIs), Worker);

        IReadOnlyList<LoadMeasurement> rows = await session
            .MeasureAsync(session.Turns.Single(), default)
            .WaitAsync(TimeSpan.FromMinutes(2));

        Assert.Equal(
            [nameof(LoadOutcome.Loaded), nameof(LoadOutcome.Refused), nameof(LoadOutcome.Loaded)], rows.Select(row => row.Outcome));
        Assert.All(rows, row => Assert.True(row is { RanksForecastHostBytes: not null, RanksPeakHostBytes: null }));
    }

    [Fact]
    public async Task Ranks_of_a_removed_checkpoint_become_rows_so_that_earlier_rows_are_kept()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.PathOf("tiny/fp32.pth"), folder["model.pth"]);
        LoadRequest[] ranks = [.. Ranks(2, "cpu", Strategy.Stream).Select(rank => rank with { Path = folder["model.pth"] })];
        var session = new MeasureSession(MeasureRequest.Repeat(ranks, 1, CacheState.AsIs), Worker);
        _ = session.Forecast(default);
        File.Delete(folder["model.pth"]);

        IReadOnlyList<LoadMeasurement> rows = await session.MeasureAsync(session.Turns.Single(), default);

        Assert.Equal([0L, 1L], rows.Select(row => row.Rank));
        Assert.All(rows, row => Assert.Equal((nameof(LoadOutcome.Failed), nameof(RowStatus.Fail)), (row.Outcome, row.Status)));
        Assert.All(rows, row => Assert.StartsWith("ML1001: ", row.Message, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task No_rank_begins_before_all_are_ready()
    {
        Skip.If(OperatingSystem.IsWindows(), "the child processes are shell scripts");
        // The second child is late. Each child counts the children that are ready when it receives the start line.
        string script =
            $"cd '{_folder.Path}'; read request; mkdir first 2>/dev/null || sleep 0.5; mkdir $$.ready; echo ready; read go; ls -d "
                + $"*.ready | wc -l > $$.count";
        var measurer = new LoadMeasurer(new WorkerCommand("sh", ["-c", script]));

        LoadMeasurement[] rows = await measurer.MeasureAsync(
            MeasureRequest.Repeat(Ranks(3, "cpu", Strategy.Stream), 1, CacheState.AsIs), default);

        Assert.All(rows, row => Assert.Equal(nameof(LoadOutcome.Failed), row.Outcome)); // they write no row
        Assert.Equal(["3", "3", "3"], Directory.GetFiles(_folder.Path, "*.count").Select(file => File.ReadAllText(file).Trim()));
    }

    [Fact]
    public void The_command_measures_and_plans_all_ranks_and_one_process_cannot()
    {
        string path = Fixtures.PathOf("tiny/fp32.pth");
        string[] selection = ["--path", path, "--device", "sim", "--strategy", "Meta", "--rank-count", "2"];

        CliRun plan = CliRun.Of(["plan", .. selection]);
        Assert.Equal(0, plan.ExitCode);
        Assert.Contains("Meta rank 1", plan.Output, StringComparison.Ordinal);
        Assert.Contains("Meta, 2 ranks at the same time: host", plan.Output, StringComparison.Ordinal);

        CliRun measure = CliRun.Of(["measure", "--in-process", .. selection]);
        Assert.Equal(1, measure.ExitCode);
        Assert.Contains("ML7009", measure.Error, StringComparison.Ordinal);
    }
}
