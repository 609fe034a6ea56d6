using System.Globalization;
using MemLoad.PlayedCuda;
using MemLoad.Tests.Loading;

namespace MemLoad.Tests.Devices.Cuda;

/// <summary>Loads to <c>cuda:N</c> through the code path of a card, with a driver that is simulated in host memory.</summary>
[Collection(PlayedCards.Collection)]
public sealed class CudaLoadTests
{
    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Every_strategy_loads_the_same_bytes_at_the_forecast_cost_as_the_driver_counts_it(string name)
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf(name));
        if (checkpoint.Tensors.IsEmpty)
        {
            return; // nothing to load is refused, see ForecastTests
        }
        foreach (Strategy strategy in Strategies.All)
        {
            if (strategy == Strategy.Mmap && checkpoint.Storages.Any(storage => storage.IsInChunks))
            {
                continue; // refused before the load
            }
            using var played = new PlayedCards();
            using CudaDevice device = played.Open();
            LoadPlan plan = LoadPlan.Create(strategy, checkpoint, device, ringBytes: 32 << 10);

            using LoadedWeights weights = PlanRunner.Run(plan, device);

            Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(weights));
            Assert.Equal(Forecasts.Of(plan, device).Device, device.Memory);
            Assert.Equal(device.Memory.PeakReserved, PlayedDriver.PeakAllocated);
            Assert.Equal(device.Memory.PeakReserved, device.PeakCardBytes ?? 0);
            Assert.Equal(plan.Steps.Count(step => step is { Kind: StepKind.Allocate, Storage: < 0 }), PlayedDriver.PinCalls); // per ring
            Assert.Null(device.Remark);
        }
    }

    [Theory]
    [InlineData("layout/views_and_shared.pth")]
    [InlineData("tiny/fp32.pth")]
    public void Tensors_that_were_read_before_a_refill_have_the_new_elements(string fixture)
    {
        Checkpoint checkpoint = Checkpoint.Open(Fixtures.PathOf(fixture));
        using var played = new PlayedCards();
        using CudaDevice device = played.Open();
        using LoadedWeights weights = PlanRunner.Run(LoadPlan.Create(Strategy.Stream, checkpoint, device), device);

        WeightRefillTests.RequireNewElements(weights, checkpoint, device);
    }

    [Fact]
    public void A_slot_of_the_ring_is_filled_again_only_after_its_copy_took_place()
    {
        using var folder = new TemporaryFolder();
        string path = Written(folder, 300_000, 1_000_000, 70_000, 5);
        var checkpoint = Checkpoint.Open(path);
        using var played = new PlayedCards(new PlayedOptions { DelayMicroseconds = 3000 });
        using CudaDevice device = played.Open();

        using LoadedWeights weights = PlanRunner.Run(LoadPlan.Create(Strategy.Stream, checkpoint, device, ringBytes: 64 << 10), device);

        Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(weights));
        Assert.InRange(PlayedDriver.MostCopiesAtOnce, 2, StagingRing.Slots);
    }

    [Theory]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void A_cast_gives_the_same_bytes_as_on_the_host(DType type)
    {
        using var folder = new TemporaryFolder();
        var view = LoadView.Of(Checkpoint.Open(Written(folder, 100_000, 3, 999)), type);
        using var host = new HostDevice();
        using LoadedWeights expected = PlanRunner.Run(LoadPlan.Create(Strategy.Baseline, view, host), host);
        foreach (Strategy strategy in Strategies.All)
        {
            using var played = new PlayedCards();
            using CudaDevice device = played.Open();
            LoadPlan plan = LoadPlan.Create(strategy, view, device);

            using LoadedWeights weights = PlanRunner.Run(plan, device);

            Assert.Equal(WeightsDigest.Of(expected), WeightsDigest.Of(weights));
            Assert.Equal(Forecasts.Of(plan, device).Device, device.Memory);
        }
    }

    [Theory]
    [InlineData("gpt2-small")]
    [InlineData("gpt2-xl")]
    public void The_forecast_of_a_card_is_that_of_the_simulated_device(string size)
    {
        Checkpoint checkpoint = SyntheticCheckpoint.Gpt(size);
        using var played = new PlayedCards();
        using CudaDevice device = played.Open();
        using var simulated = new SimulatedDevice();
        foreach (Strategy strategy in Strategies.All)
        {
            PlanForecast expected = Forecasts.Of(LoadPlan.Create(strategy, checkpoint, simulated), simulated);
            Assert.Equal(expected, Forecasts.Of(LoadPlan.Create(strategy, checkpoint, device), device));
        }
        Assert.False(PlayedDriver.HasContext);
    }

    [Fact]
    public void A_ring_that_cannot_be_pinned_is_still_used_and_is_reported()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = Checkpoint.Open(Written(folder, 100_000));
        using var played = new PlayedCards(new PlayedOptions { Pins = false });
        using CudaDevice device = played.Open();

        using LoadedWeights weights = PlanRunner.Run(LoadPlan.Create(Strategy.Stream, checkpoint, device), device);

        Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(weights));
        Assert.Contains("not pinned", device.Remark, StringComparison.Ordinal);
        Assert.Contains("CUDA_ERROR_OUT_OF_MEMORY", device.Remark, StringComparison.Ordinal);
    }

    [Fact]
    public void A_card_that_fails_at_any_call_is_one_error_and_nothing_is_kept_on_the_host()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = Checkpoint.Open(Written(folder, 50_000, 20_000));
        foreach (Strategy strategy in Strategies.All)
        {
            int failures = 0;
            for (int call = 1; ; call++)
            {
                PlayedDriver.Reset(new PlayedOptions { FailFrom = call });
                var driver = new CudaDriver(new CudaFunctions(PlayedDriver.Resolve), new Nvml(PlayedDriver.Resolve));
                using CudaDevice device = driver.OpenDevice(0, null);
                try
                {
                    PlanRunner.Run(LoadPlan.Create(strategy, checkpoint, device, ringBytes: 64 << 10), device).Dispose();
                    break;
                }
                catch (MemLoadException e)
                {
                    failures++;
                    Assert.Equal("ML7008", e.Rule.Id);
                    Assert.Contains("'cuda:0': CUDA_ERROR_ECC_UNCORRECTABLE", e.Message, StringComparison.Ordinal);
                }
                Assert.Equal(0, PlayedDriver.ContextsOfThread);
            }
            Assert.InRange(failures, 3, 1000);
        }
        PlayedDriver.Reset(new PlayedOptions());
    }

    [Fact]
    public void A_cancelled_load_releases_all_memory()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = Checkpoint.Open(Written(folder, 500_000, 500_000, 500_000));
        foreach (Strategy strategy in Strategies.All)
        {
            using var played = new PlayedCards(new PlayedOptions { DelayMicroseconds = 200 });
            using CudaDevice device = played.Open();
            using var cancelling = new CancellationTokenSource();
            LoadPlan plan = LoadPlan.Create(strategy, checkpoint, device, ringBytes: 64 << 10);

            // The first step is executed, and the next step is not.
            Assert.ThrowsAny<OperationCanceledException>(() =>
                PlanRunner.Run(plan, device, _ => cancelling.Cancel(), cancellationToken: cancelling.Token).Dispose());

            Assert.Equal(0, device.Memory.Allocated);
        }
    }

    [Fact]
    public void The_code_path_of_a_card_reproduces_the_GPU_column_of_the_notebook()
    {
        // GB of 1024³ bytes, as the notebook prints them; baseline and per-tensor loading, and the others in between.
        Checkpoint checkpoint = SyntheticCheckpoint.Gpt("gpt2-xl");
        using var played = new PlayedCards();
        using CudaDevice device = played.Open();

        Dictionary<Strategy, string> column = Strategies.All.ToDictionary(
            strategy => strategy,
            strategy =>
                (Forecasts.Of(LoadPlan.Create(strategy, checkpoint, device), device).Device.PeakAllocated / (double)(1L << 30)).ToString(
                    "F1", CultureInfo.InvariantCulture));

        Assert.Equal("12.8", column[Strategy.Baseline]);
        Assert.Equal("6.7", column[Strategy.Sequential]);
        Assert.Equal("12.8", column[Strategy.Meta]);
        Assert.Equal("6.4", column[Strategy.Mmap]);
        Assert.Equal("6.4", column[Strategy.PerTensor]);
        Assert.Equal("6.4", column[Strategy.Stream]);
    }

    // A safetensors file with random float32 tensors of these element counts.
    private static string Written(TemporaryFolder folder, params int[] counts)
    {
        string path = folder["model.safetensors"];
        int offset = 0;
        var entries = new List<string>();
        for (int i = 0; i < counts.Length; i++)
        {
            entries.Add($"\"t{i}\":{{\"dtype\":\"F32\",\"shape\":[{counts[i]}],\"data_offsets\":[{offset},{offset + (counts[i] * 4)}]}}");
            offset += counts[i] * 4;
        }
        byte[] header = System.Text.Encoding.UTF8.GetBytes("{" + string.Join(',', entries) + "}");
        var random = new Random(7);
        using FileStream file = File.Create(path);
        file.Write(BitConverter.GetBytes((long)header.Length));
        file.Write(header);
        for (int i = 0; i < counts.Sum(); i++)
        {
            file.Write(BitConverter.GetBytes((float)(random.NextDouble() - 0.5)));
        }
        return path;
    }
}
