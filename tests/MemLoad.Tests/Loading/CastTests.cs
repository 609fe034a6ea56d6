using MemLoad.Tests.Tensors;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Loading;

public sealed class CastTests
{
    private static readonly string[] DeviceNames = ["cpu", "sim"];
    private static readonly DType[] Targets = [DType.Float32, DType.Float16, DType.BFloat16];

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Every_strategy_on_every_device_casts_alike_at_the_forecast_cost(string name)
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf(name));
        if (!checkpoint.Tensors.IsEmpty)
        {
            CheckEveryWay(checkpoint);
        }
    }

    [Fact]
    public void Checkpoints_of_random_sizes_types_and_views_cast_alike()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(11);
        DType[] dtypes = [.. MemorySource.SavableDTypes.Where(dtype => dtype.SafetensorsName() is not null)];
        for (int round = 0; round < 4; round++)
        {
            var source = new MemorySource();
            for (int i = 0; i < 60; i++)
            {
                DType dtype = dtypes[random.Next(dtypes.Length)];
                long[] shape = random.Next(6) switch
                {
                    0 => [],
                    1 => [random.Next(3), random.Next(2)],
                    2 => [random.Next(1, 70), random.Next(1, 90)],
                    3 => [random.Next(1, 30_000)],
                    _ => [random.Next(1, 9)],
                };
                source.Add($"t{i}", dtype, shape);
            }
            foreach ((CheckpointFormat format, string file) in new[]
                {
                    (CheckpointFormat.Safetensors, "odd.safetensors"),
                    (CheckpointFormat.TorchZip, "odd.pth"),
                })
            {
                CheckpointWriter.Write(source, folder[file], format, overwrite: true);
                CheckEveryWay(Checkpoint.Open(folder[file]));
            }
        }
    }

    [Fact]
    public void Views_that_share_a_storage_share_it_after_the_cast()
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        int shared = source.AddStorage(40_000);
        source.AddView("whole", DType.Float32, shared, 0, [10_000], [1]).AddView("every third", DType.Float32, shared, 5, [3000], [3])
            .AddView("transposed", DType.Float32, shared, 1, [3, 4], [2, 20]).AddView("expanded", DType.Float32, shared, 9, [6, 2], [0, 1])
            .AddView("scalar", DType.Float32, shared, 9_999, [], []);
        int integers = source.AddStorage(800);
        source.AddView("long", DType.Int64, integers, 1, [50], [1]);
        CheckpointWriter.Write(source, folder["views.pth"], CheckpointFormat.TorchZip);
        var checkpoint = Checkpoint.Open(folder["views.pth"]);

        CheckEveryWay(checkpoint);
        using LoadedModel model = WeightLoader.Load(
            new LoadRequest
            {
                Path = folder["views.pth"],
                Device = "cpu",
                Strategy = Strategy.Stream,
                DType = DType.BFloat16,
            });
        Assert.Equal(20_000 + 400, model.Weights.StorageLengths.Sum());
        Assert.Equal(model.Weights["whole"].Address + (9_999 * 2), model.Weights["scalar"].Address);
        Assert.Equal(DType.Int64, model.Weights["long"].DType);
    }

    [Fact]
    public void A_storage_of_two_types_is_cast_only_where_nothing_in_it_changes()
    {
        Checkpoint integersBeside = Shared(DType.Float32, DType.Int32);
        var refusal = Assert.Throws<MemLoadException>(() => LoadView.Of(integersBeside, DType.BFloat16));
        Assert.Equal("ML6011", refusal.Rule.Id);
        Assert.Contains("'a' (float32) and 'b' (int32)", refusal.Message, StringComparison.Ordinal);

        Assert.Equal(
            [DType.Float32, DType.Int32, DType.Float32], LoadView.Of(integersBeside, DType.Float32).Tensors.Select(tensor => tensor.DType));
        Assert.Equal(
            "ML6011", Assert.Throws<MemLoadException>(() => LoadView.Of(Shared(DType.BFloat16, DType.Float16), DType.BFloat16)).Rule.Id);
        Assert.Equal(
            [DType.Int64, DType.Complex64, DType.Float16],
            LoadView.Of(Shared(DType.Int64, DType.Complex64), DType.Float16).Tensors.Select(tensor => tensor.DType));
    }

    [Theory]
    [InlineData(DType.Float64)]
    [InlineData(DType.Int8)]
    [InlineData(DType.Float8E5M2)]
    public void Other_targets_are_refused(DType dtype) =>
        Assert.Equal("ML6010", Assert.Throws<MemLoadException>(() => LoadView.Of(SyntheticCheckpoint.OfCounts(3), dtype)).Rule.Id);

    [Fact]
    public void A_cast_that_changes_nothing_plans_what_no_cast_plans()
    {
        Checkpoint checkpoint = SyntheticCheckpoint.OfCounts(10, 5_000_000, 0, 77);
        foreach (string deviceName in DeviceNames)
        {
            using IDevice device = DeviceRegistry.Open(deviceName);
            foreach (Strategy strategy in Strategies.All)
            {
                LoadPlan plain = LoadPlan.Create(strategy, checkpoint, device);
                LoadPlan cast = LoadPlan.Create(strategy, LoadView.Of(checkpoint, DType.Float32), device);
                Assert.Equal([.. plain.Buffers], cast.Buffers.ToArray());
                Assert.Equal([.. plain.Steps], cast.Steps.ToArray());
                Assert.Equal([.. plain.Placements], cast.Placements.ToArray());
                Assert.DoesNotContain(plain.Steps, step => step.Casts);
            }
        }
    }

    [Fact]
    public void The_forecast_counts_the_file_before_the_cast_and_the_model_after_it()
    {
        const long Million = 1_000_000;
        var checkpoint = LoadView.Of(SyntheticCheckpoint.OfCounts(Million, 30 * Million, 500 * 1024), DType.BFloat16);
        long file = checkpoint.Checkpoint.ModelBytes;
        long largest = checkpoint.Checkpoint.LargestBytes;
        long model = file / 2;
        using var cpu = new HostDevice();
        using var sim = new SimulatedDevice();
        var host = new Dictionary<Strategy, (long Cpu, long Sim)>
        {
            [Strategy.Baseline] = (model + file, largest),
            [Strategy.Sequential] = (model + file, file),
            [Strategy.Meta] = (model + file, largest),
            [Strategy.Mmap] = (model, 0),
            [Strategy.PerTensor] = (model + largest, largest),
            [Strategy.Stream] = (model + StagingRing.DefaultBytes, StagingRing.DefaultBytes),
        };
        Assert.All(host, pair => Assert.Equal(pair.Value, (Of(pair.Key, cpu).PeakHostBytes, Of(pair.Key, sim).PeakHostBytes)));
        Assert.Equal((file, file), (Of(Strategy.Mmap, cpu).PeakHostFileBytes, Of(Strategy.Mmap, sim).PeakHostFileBytes));

        // The sizes are multiples of the allocator's rounding, so that sums are exact.
        long a = Of(Strategy.Stream, sim).Device.PeakAllocated;
        Assert.All([Strategy.Mmap, Strategy.PerTensor], strategy => Assert.Equal(a, Of(strategy, sim).Device.PeakAllocated));
        Assert.All([Strategy.Baseline, Strategy.Meta], strategy =>
            Assert.InRange(Of(strategy, sim).Device.PeakAllocated, a + file, a + (file * 1.02)));
        Assert.InRange(Of(Strategy.Sequential, sim).Device.PeakAllocated, a + largest, a + (largest * 1.02));

        PlanForecast Of(Strategy strategy, IDevice device) => Forecasts.Of(LoadPlan.Create(strategy, checkpoint, device), device);
    }

    [Fact]
    public void Tensors_without_a_cast_stay_mapped_and_are_read_in_place()
    {
        var model = new ModelSpec("Model", [new TensorSpec("half", DType.BFloat16, [1000]), new TensorSpec("norm", DType.Float32, [10])]);
        var checkpoint = LoadView.Of(SyntheticCheckpoint.Of(model), DType.BFloat16);
        using var cpu = new HostDevice();

        LoadPlan mapped = LoadPlan.Create(Strategy.Mmap, checkpoint, cpu);
        Assert.Equal([MemoryPool.MappedFile, MemoryPool.Host], mapped.Placements.Select(place => mapped.Buffers[place.Buffer].Pool));
        Assert.DoesNotContain(mapped.Steps, step => step.Kind == StepKind.Release);
        Assert.Equal(20, Forecasts.Of(mapped, cpu).FinalHostBytes);

        LoadPlan streamed = LoadPlan.Create(Strategy.Stream, checkpoint, cpu);
        Assert.Equal(
            [(false, -1), (true, 2)], streamed.Steps.Where(step => step.Kind == StepKind.Read).Select(step => (step.Casts, step.Source)));
    }

    [Fact]
    public void A_size_is_compared_with_the_model_after_the_cast()
    {
        using var folder = new TemporaryFolder();
        GptConfig config = new(60, 16, 24, 2, 3, true);
        var source = new GptInitializer(config, 1, DType.Float16);
        CheckpointWriter.Write(source, folder["half.pth"], CheckpointFormat.TorchZip);

        var cast = LoadView.Of(Checkpoint.Open(folder["half.pth"]), DType.BFloat16);
        StateDictMatch.Require(config.ToSpec(DType.BFloat16), cast);
        Assert.Equal("ML6007", Assert.Throws<MemLoadException>(() => StateDictMatch.Require(config.ToSpec(DType.Float16), cast)).Rule.Id);

        LoadForecast row = LoadPlanner.Forecast(
            new LoadRequest
            {
                Path = null,
                Size = "gpt2-small",
                Strategy = Strategy.Stream,
                Device = "sim",
                DType = DType.Float16,
            });
        LoadForecast plain = LoadPlanner.Forecast(
            new LoadRequest
            {
                Path = null,
                Size = "gpt2-small",
                Strategy = Strategy.Stream,
                Device = "sim",
            });
        Assert.Equal(
            ("float16", plain.ModelBytes / 2, plain.LargestBytes / 2, plain.FileBytes, plain.ParameterCount),
            (row.DType, row.ModelBytes, row.LargestBytes, row.FileBytes, row.ParameterCount));
        Assert.Null(plain.DType);
    }

    [Fact]
    public void A_model_that_is_cast_computes_the_same_as_one_written_in_that_type()
    {
        float[]? expected = null;
        foreach (string device in DeviceNames)
        {
            foreach (Strategy strategy in Strategies.All)
            {
                using LoadedModel model = WeightLoader.Load(
                    new LoadRequest
                    {
                        Path = Fixtures.PathOf("tiny/fp32.pth"),
                        Device = device,
                        Strategy = strategy,
                        DType = DType.BFloat16,
                    });
                Assert.All(model.Weights.Tensors, tensor => Assert.Equal(DType.BFloat16, tensor.DType));
                float[] logits = new GptModel(GptConfig.Infer(model.Weights.Tensors, heads: 3), name => model.Weights[name]).Forward([
                    1,
                    2,
                    3,
                ]);
                Assert.Equal(expected ??= logits, logits);
            }
        }
    }

    [Fact]
    public void A_measured_row_says_what_was_cast_and_to_what_size()
    {
        LoadMeasurement row = MeasuredLoad.Run(
            new MeasureRequest(
                new LoadRequest
                {
                    Path = Fixtures.PathOf("tiny/fp32.pth"),
                    Device = "sim",
                    Strategy = Strategy.Meta,
                    DType = DType.Float16,
                }));

        Assert.Equal(("Loaded", "float16", 0L), (row.Outcome, row.DType, row.DeviceErrorPermille));
        Assert.Equal(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth")).ModelBytes / 2, row.ModelBytes);
        Assert.Equal(WeightsDigest.Of(new CastSource(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth")), DType.Float16)), row.WeightsDigest);
    }

    private static void CheckEveryWay(Checkpoint checkpoint)
    {
        foreach (DType dtype in Targets)
        {
            LoadView cast;
            try
            {
                cast = LoadView.Of(checkpoint, dtype);
            }
            catch (MemLoadException e) when (e.Rule.Id == "ML6011")
            {
                Assert.Contains(checkpoint.Tensors.GroupBy(tensor => tensor.Storage), views =>
                    views.Select(tensor => tensor.DType).Distinct().Count() > 1);
                continue;
            }
            string expected = WeightsDigest.Of(new CastSource(checkpoint, dtype));
            foreach (string deviceName in DeviceNames)
            {
                foreach (Strategy strategy in Strategies.All)
                {
                    if (strategy == Strategy.Mmap && checkpoint.Storages.Any(storage => storage.IsInChunks))
                    {
                        continue; // refused before, see DistributedTests
                    }
                    using IDevice device = DeviceRegistry.Open(deviceName);
                    LoadPlan plan = LoadPlan.Create(strategy, cast, device, ringBytes: 16 << 10); // slots of a page
                    using (LoadedWeights weights = PlanRunner.Run(plan, device))
                    {
                        Assert.True(expected == WeightsDigest.Of(weights), $"{checkpoint.Path}: {strategy} on {deviceName} to {dtype}");
                        Assert.Equal(Forecasts.Of(plan, device).Device, device.Memory);
                        Assert.Equal(cast.StorageLengths.AsEnumerable(), weights.StorageLengths);
                    }
                    Assert.Equal(0, device.Memory.Allocated);
                }
            }
        }
    }

    // Two views of one storage, of 64 bytes.
    private static Checkpoint Shared(DType first, DType second)
    {
        var builder = new CheckpointBuilder("/nowhere/model.pth", CheckpointFormat.TorchZip);
        int storage = builder.AddStorage(builder.AddFile("/nowhere/model.pth", 64), 0, 64);
        builder.AddTensor(new TensorEntry("a", first, [2], [1], storage, 0));
        builder.AddTensor(new TensorEntry("b", second, [2], [1], storage, 1));
        builder.AddTensor(new TensorEntry("empty", DType.Float16, [0], [1], storage, 0));
        return builder.Build();
    }
}
