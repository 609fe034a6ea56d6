using MemLoad.Tests.Cli;
using MemLoad.Tests.Reports;

namespace MemLoad.Tests.Measurement;

public sealed class MeasureSessionTests
{
    private static readonly LoadRequest Load = new() { Path = "model.pth", Strategy = Strategy.Meta };

    [Fact]
    public void Repeated_loads_are_adjacent_and_numbered()
    {
        IReadOnlyList<MeasureRequest> loads = MeasureRequest.Repeat([Load, Load with { Strategy = Strategy.Mmap }], 2, CacheState.Warm);

        Assert.Equal(
            [(Strategy.Meta, 1), (Strategy.Meta, 2), (Strategy.Mmap, 1), (Strategy.Mmap, 2)],
            loads.Select(load => (load.Load.Strategy, load.Run)));
        Assert.All(loads, load => Assert.Equal(CacheState.Warm, load.Cache));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-2)]
    public void A_number_of_ranks_that_there_cannot_be_is_one_turn_which_is_then_refused(int ranks)
    {
        LoadRequest load = Load with { WithOtherRanks = true, RankCount = ranks };

        Assert.Single(LoadRequest.InTurns([load], request => request).Take(2));
    }

    [Fact]
    public async Task Rows_without_a_digest_are_not_compared_and_different_digests_are_ML8002()
    {
        var digests = new Queue<string?>([null, new string('a', 64), new string('a', 64), new string('b', 64)]);
        var session = new MeasureSession(
            MeasureRequest.Repeat([Load], 4, CacheState.AsIs),
            (_, _) => Rows.Loaded("Meta") with { WeightsDigest = digests.Dequeue() },
            null);
        foreach (MeasureRequest load in session.Loads.Take(3))
        {
            _ = await session.MeasureAsync(load, default);
        }
        Assert.Null(session.Disagreement());

        _ = await session.MeasureAsync(session.Loads[3], default);

        Assert.Same(Rules.DigestsDiffer, session.Disagreement()?.Rule);
    }

    [Fact]
    public void A_session_has_at_least_one_load() =>
        Assert.Throws<ArgumentException>(() => new MeasureSession([], worker: null));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Different_digests_of_a_file_that_was_replaced_say_so(bool replaced)
    {
        using var folder = new TemporaryFolder();
        string path = folder.CopyFixture("tiny/fp32.safetensors", "model.safetensors");
        var digests = new Queue<string?>([new string('a', 64), new string('b', 64)]);
        var session = new MeasureSession(
            MeasureRequest.Repeat([new LoadRequest { Path = path, Strategy = Strategy.Stream, Device = "cpu" }], 2, CacheState.AsIs),
            (_, _) => Rows.Loaded("Stream") with { WeightsDigest = digests.Dequeue() },
            null);
        _ = session.Forecast(default);
        _ = await session.MeasureAsync(session.Loads[0], default);
        if (replaced)
        {
            folder.CopyFixture("tiny/fp32.safetensors", "other.safetensors");
            File.Move(folder["other.safetensors"], path, overwrite: true);
        }

        _ = await session.MeasureAsync(session.Loads[1], default);

        MemLoadException different = session.Disagreement()!;
        Assert.Same(Rules.DigestsDiffer, different.Rule);
        Assert.Equal(replaced, !different.Message.Contains("bug", StringComparison.Ordinal));
        Assert.Equal(replaced, different.Message.Contains("the file was replaced by another file", StringComparison.Ordinal)
            || different.Message.Contains("the file was written to", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ranks_that_are_cancelled_before_they_begin_are_rows()
    {
        var load = new LoadRequest { Path = Fixtures.PathOf("tiny/fp32.pth"), Strategy = Strategy.Stream, Device = "cpu", RankCount = 2 };
        var session = new MeasureSession(
            MeasureRequest.Repeat(load.By([Strategy.Stream], ["cpu"], rank: null), 1, CacheState.AsIs),
            (_, _) => Rows.Loaded("Stream"),
            null);

        IReadOnlyList<LoadMeasurement> rows =
            await session.MeasureAsync(session.Turns.Single(), new CancellationToken(canceled: true));

        Assert.Equal([nameof(LoadOutcome.Canceled), nameof(LoadOutcome.Canceled)], rows.Select(row => row.Outcome));
        Assert.Equal([0L, 1L], rows.Select(row => row.Rank));
    }

    [Fact]
    public async Task A_load_in_this_process_that_is_cancelled_before_it_begins_is_a_row()
    {
        var load = new LoadRequest { Path = Fixtures.PathOf("tiny/fp32.pth"), Strategy = Strategy.Stream, Device = "cpu" };
        var session = new MeasureSession(MeasureRequest.Repeat([load], 1, CacheState.AsIs), worker: null);

        LoadMeasurement row = await session.MeasureAsync(session.Loads[0], new CancellationToken(canceled: true));

        Assert.Equal(nameof(LoadOutcome.Canceled), row.Outcome);
    }

    [Fact]
    public async Task Samples_of_ranks_that_end_at_the_same_time_are_all_kept()
    {
        const int ranks = 4;
        const int each = 10_000;
        using var folder = new TemporaryFolder();
        LoadMeasurement row = Rows.Loaded("Meta");
        LoadTimeline sample = Samples.Of(row, count: 1);
        var session = new MeasureSession(
            MeasureRequest.Repeat([Load], 1, CacheState.AsIs),
            (_, keep) =>
            {
                using var begin = new Barrier(ranks);
                Thread[] ends =
                [
                    .. Enumerable.Range(0, ranks).Select(_ => new Thread(() =>
                    {
                        begin.SignalAndWait();
                        for (int i = 0; i < each; i++)
                        {
                            keep(sample);
                        }
                    })),
                ];
                Array.ForEach(ends, thread => thread.Start());
                Array.ForEach(ends, thread => thread.Join());
                return row;
            },
            folder["samples.jsonl"]);

        _ = await session.MeasureAsync(session.Loads[0], default);

        Assert.Null(session.KeepSamples(default));
        Assert.Equal(ranks * each, TimelineFile.Read(folder["samples.jsonl"]).Count);
    }

    [Fact]
    public async Task Samples_that_come_while_others_are_written_are_not_lost()
    {
        const int count = 2_000;
        using var folder = new TemporaryFolder();
        LoadTimeline sample = Samples.Of(Rows.Loaded("Meta"), count: 1);
        var session = new MeasureSession(
            MeasureRequest.Repeat([Load], 1, CacheState.AsIs),
            (_, keep) =>
            {
                for (int i = 0; i < count; i++)
                {
                    keep(sample);
                }
                return Rows.Loaded("Meta");
            },
            folder["samples.jsonl"]);

        Task<LoadMeasurement> load = Task.Run(() => session.MeasureAsync(session.Loads[0], default));
        while (!load.IsCompleted)
        {
            Assert.Null(session.KeepSamples(default));
        }
        _ = await load;

        Assert.Null(session.KeepSamples(default));
        Assert.Equal(count, TimelineFile.Read(folder["samples.jsonl"]).Count);
    }

    [Fact]
    public async Task Samples_that_cannot_be_written_are_kept_for_the_next_time()
    {
        using var folder = new TemporaryFolder();
        string samples = Path.Combine(folder["later"], "samples.jsonl");
        LoadMeasurement row = Rows.Loaded("Meta");
        var session = new MeasureSession(
            MeasureRequest.Repeat([Load], 1, CacheState.AsIs),
            (_, keep) =>
            {
                keep(Samples.Of(row));
                return row;
            },
            samples);
        _ = await session.MeasureAsync(session.Loads[0], default);

        Assert.NotNull(session.KeepSamples(default));
        Directory.CreateDirectory(folder["later"]);
        Assert.Null(session.KeepSamples(default));
        Assert.Null(session.KeepSamples(default));

        Assert.True(Assert.Single(TimelineFile.Read(samples)).IsOf(row));
    }
}
