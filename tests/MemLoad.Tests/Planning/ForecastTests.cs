using System.Globalization;

namespace MemLoad.Tests.Planning;

public sealed class ForecastTests
{
    private const double GiB = 1L << 30;

    [Theory]
    [InlineData(Strategy.Baseline, "12.8", "6.3")]
    [InlineData(Strategy.Sequential, "6.7", "6.3")]
    [InlineData(Strategy.Meta, "12.8", "0.3")]
    [InlineData(Strategy.Mmap, "6.4", "0.0")]
    [InlineData(Strategy.PerTensor, "6.4", "0.3")]
    [InlineData(Strategy.Stream, "6.4", "0.0")]
    public void The_notebooks_table_follows_from_the_shapes_of_gpt2_xl(Strategy strategy, string device, string host)
    {
        using var sim = new SimulatedDevice();
        var forecast = Forecasts.Of(LoadPlan.Create(strategy, SyntheticCheckpoint.Gpt("gpt2-xl"), sim), sim);

        Assert.Equal(device, (forecast.Device.PeakAllocated / GiB).ToString("F1", CultureInfo.InvariantCulture));
        Assert.Equal(host, (forecast.PeakHostBytes / GiB).ToString("F1", CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Loads_of_different_tensors_are_not_forecast_from_one_checkpoint()
    {
        var first = new LoadRequest { Path = Fixtures.PathOf("tiny/fp32.pth"), Strategy = Strategy.Stream, Include = ["*"] };
        LoadRequest[] others =
        [
            first with { Path = Fixtures.PathOf("tiny/fp16.pth") },
            first with { DType = DType.Float16 },
            first with { Include = ["*.weight"] },
            first with { Exclude = ["*.weight"] },
            first with { Key = "tok_emb" },
            first with { RankCount = 2 },
        ];
        LoadRequest same = first with
        {
            Strategy = Strategy.Mmap,
            Device = "sim",
            Include = ["*"],
            HostMemoryLimit = 1,
            DeviceMemoryLimit = 0,
            Force = true,
        };

        Assert.All(others, other => Assert.Throws<ArgumentException>(() => LoadPlanner.Forecast([first, other]).Count()));
        Assert.Equal(2, LoadPlanner.Forecast([first, same]).Count());
    }

    [Fact]
    public void A_limit_is_not_negative()
    {
        var request = new LoadRequest { Path = null, Size = "gpt2-small", Strategy = Strategy.Stream, Device = "sim" };

        Assert.Throws<ArgumentOutOfRangeException>(() => request with { DeviceMemoryLimit = long.MinValue });
        Assert.Throws<ArgumentOutOfRangeException>(() => request with { HostMemoryLimit = -1 });
        Assert.False(LoadPlanner.Forecast(request with { DeviceMemoryLimit = 0 }).Fits);
    }

    public static TheoryData<string> Sizes => [.. GptConfig.Sizes];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void The_formulas_hold_for_every_size(string size)
    {
        using var sim = new SimulatedDevice();
        Checkpoint checkpoint = SyntheticCheckpoint.Gpt(size);
        long a = Device(Strategy.Stream);
        long l = checkpoint.LargestBytes;
        Assert.InRange(a, checkpoint.ModelBytes, checkpoint.ModelBytes * 1.05);
        Near(2 * a, Device(Strategy.Baseline));
        Near(2 * a, Device(Strategy.Meta));
        Near(a + l, Device(Strategy.Sequential));
        Assert.Equal(a, Device(Strategy.Mmap));
        Assert.Equal(a, Device(Strategy.PerTensor));

        Assert.Equal(checkpoint.ModelBytes, Of(Strategy.Baseline).PeakHostBytes);
        Assert.Equal(checkpoint.ModelBytes, Of(Strategy.Sequential).PeakHostBytes);
        Assert.Equal(l, Of(Strategy.Meta).PeakHostBytes);
        Assert.Equal(l, Of(Strategy.PerTensor).PeakHostBytes);
        Assert.Equal(0, Of(Strategy.Mmap).PeakHostBytes);
        Assert.Equal(checkpoint.ModelBytes, Of(Strategy.Mmap).PeakHostFileBytes);
        Assert.Equal(StagingRing.DefaultBytes, Of(Strategy.Stream).PeakHostBytes);

        PlanForecast Of(Strategy strategy) => Forecasts.Of(LoadPlan.Create(strategy, checkpoint, sim), sim);
        long Device(Strategy strategy) => Of(strategy).Device.PeakAllocated;
        static void Near(long expected, long actual) => Assert.InRange(actual, expected * 0.995, expected * 1.005);
    }

    [Fact]
    public void On_the_host_only_Mmap_Stream_and_PerTensor_save_memory()
    {
        using var cpu = new HostDevice();
        Checkpoint checkpoint = SyntheticCheckpoint.OfCounts(1_000_000, 3_000_000, 500);
        long m = checkpoint.ModelBytes;
        long l = checkpoint.LargestBytes;
        var expected = new Dictionary<Strategy, long>
        {
            [Strategy.Baseline] = 2 * m,
            [Strategy.Sequential] = 2 * m,
            [Strategy.Meta] = 2 * m,
            [Strategy.Mmap] = 0,
            [Strategy.PerTensor] = m + l,
            [Strategy.Stream] = m,
        };
        Assert.All(expected, pair =>
            Assert.Equal(pair.Value, Forecasts.Of(LoadPlan.Create(pair.Key, checkpoint, cpu), cpu).PeakHostBytes));
        Assert.All(expected.Keys, strategy =>
            Assert.Equal(default, Forecasts.Of(LoadPlan.Create(strategy, checkpoint, cpu), cpu).Device));
    }

    [Fact]
    public void A_plan_releases_all_memory_except_the_model()
    {
        using var sim = new SimulatedDevice();
        Checkpoint checkpoint = SyntheticCheckpoint.OfCounts(10, 5_000_000, 0, 77);
        foreach (Strategy strategy in Strategies.All)
        {
            LoadPlan plan = LoadPlan.Create(strategy, checkpoint, sim);
            var held = new HashSet<int>();
            foreach (PlanStep step in plan.Steps)
            {
                Assert.True(step.Kind switch
                {
                    StepKind.Allocate or StepKind.Map => held.Add(step.Buffer),
                    StepKind.Release => held.Remove(step.Buffer),
                    StepKind.Copy => held.Contains(step.Buffer) && held.Contains(step.Source),
                    _ => held.Contains(step.Buffer) && (step.Source < 0 || held.Contains(step.Source)),
                });
            }
            Assert.Equal(plan.Placements.Select(place => place.Buffer).Order(), held.Order());
        }
    }

    [Fact]
    public void A_checkpoint_without_tensors_cannot_be_loaded()
    {
        using var cpu = new HostDevice();
        var refusal = Assert.Throws<MemLoadException>(() =>
            LoadPlan.Create(Strategy.Stream, Checkpoint.Open(Fixtures.PathOf("containers/empty_dict.pth")), cpu));
        Assert.Equal("ML6006", refusal.Rule.Id);
    }

    [Fact]
    public void A_size_alone_is_enough_to_forecast_what_its_checkpoint_will_cost()
    {
        LoadForecast row = LoadPlanner.Forecast(
            new LoadRequest
            {
                Path = null,
                Size = "gpt2-xl",
                Strategy = Strategy.Stream,
                Device = "sim",
            });

        Assert.Equal(("gpt2-xl", 821L, 6_753_416_192L), (row.Size, row.TensorCount, row.ModelBytes));
        Assert.InRange(row.FileBytes, row.ModelBytes, row.ModelBytes + (1 << 20));
    }
}
