using System.Text.Json;

namespace MemLoad.Tests.Loading;

public sealed class StrategyTests
{
    private static readonly string[] DeviceNames = ["cpu", "sim"];

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Every_strategy_on_every_device_loads_the_same_weights_at_the_forecast_cost(string name)
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf(name));
        if (checkpoint.Tensors.IsEmpty)
        {
            return; // nothing to load is refused, see ForecastTests
        }
        string expected = WeightsDigest.Of(checkpoint);
        foreach (string deviceName in DeviceNames)
        {
            foreach (Strategy strategy in Strategies.All)
            {
                if (strategy == Strategy.Mmap && checkpoint.Storages.Any(storage => storage.IsInChunks))
                {
                    continue; // refused before, see DistributedTests
                }
                using IDevice device = DeviceRegistry.Open(deviceName);
                LoadPlan plan = LoadPlan.Create(strategy, checkpoint, device, ringBytes: 32 << 10); // a ring smaller than some tensors
                using (LoadedWeights weights = PlanRunner.Run(plan, device))
                {
                    Assert.Equal(expected, WeightsDigest.Of(weights));
                    Assert.Equal(Forecasts.Of(plan, device).Device, device.Memory);
                }
                Assert.Equal(0, device.Memory.Allocated);
            }
        }
    }

    public static TheoryData<string, string, Strategy> TinyModels
    {
        get
        {
            var data = new TheoryData<string, string, Strategy>();
            foreach (string file in new[] { "tiny/fp32.pth", "tiny/legacy.pth", "tiny/protocol4.pth", "tiny/fp32.safetensors" })
            {
                foreach (string device in DeviceNames)
                {
                    foreach (Strategy strategy in Strategies.All)
                    {
                        data.Add(file, device, strategy);
                    }
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(TinyModels))]
    public void The_loaded_model_computes_what_PyTorch_computes_masks_included(string file, string device, Strategy strategy)
    {
        using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = Fixtures.PathOf(file), Device = device, Strategy = strategy });

        float[] logits = new GptModel(GptConfig.Infer(model.Weights.Tensors, heads: 3), name => model.Weights[name]).Forward([1, 2, 3]);

        Assert.Equal(Logits.Length, logits.Length);
        Assert.All(Logits.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));

        // On Linux, views of device memory are separate mappings, which can be closed and opened again. The host has none.
        Assert.Equal(device != "cpu" && OperatingSystem.IsLinux(), model.Weights.CloseViews());
        Assert.Equal(
            logits, new GptModel(GptConfig.Infer(model.Weights.Tensors, heads: 3), name => model.Weights[name]).Forward([1, 2, 3]));
    }

    [Theory]
    [InlineData("cpu", null)]
    [InlineData("sim", null)]
    [InlineData("cpu", DType.Float16)]
    [InlineData("sim", DType.BFloat16)]
    public void Storages_that_pass_through_one_buffer_side_by_side_and_at_once_do_not_mix(string deviceName, DType? cast)
    {
        using var folder = new TemporaryFolder();
        // Tensors of 4 bytes to 16.4 MiB. Some are adjacent, some are read over earlier content, and one has the length of the buffer.
        CheckpointWriter.Write(
            new GptInitializer(new GptConfig(8400, 64, 512, 2, 8), seed: 1), folder["model.safetensors"], CheckpointFormat.Safetensors);
        var checkpoint = LoadView.Of(Checkpoint.Open(folder["model.safetensors"]), cast);
        using IDevice device = DeviceRegistry.Open(deviceName);
        using LoadedWeights expected = PlanRunner.Run(LoadPlan.Create(Strategy.Stream, checkpoint, device), device);
        string digest = WeightsDigest.Of(expected);

        for (int run = 0; run < 5; run++)
        {
            using LoadedWeights weights = PlanRunner.Run(LoadPlan.Create(Strategy.PerTensor, checkpoint, device), device);
            Assert.Equal(digest, WeightsDigest.Of(weights));
        }
    }

    [Fact]
    public void A_load_that_walks_the_parameters_only_computes_something_else()
    {
        // The meta and per-tensor loops of the notebook enumerate named_parameters(). The masks keep the undefined content of to_empty,
        // such as zeros.
        using LoadedModel model = WeightLoader.Load(
            new LoadRequest
            {
                Path = Fixtures.PathOf("tiny/fp32.pth"),
                Device = "cpu",
                Strategy = Strategy.Stream,
            });
        using var memory = new HostMemory();
        using MemoryBuffer empty = memory.Allocate(16 * 16 * sizeof(float));

        float[] logits = new GptModel(GptConfig.Infer(model.Weights.Tensors, heads: 3), name =>
            name.EndsWith(".mask", StringComparison.Ordinal) ? model.Weights[name] with { Address = empty.Address } : model.Weights[name]
        ).Forward([1, 2, 3]);

        Assert.Contains(Logits.Zip(logits), pair => Math.Abs(pair.First - pair.Second) > 1e-2);
    }

    [Fact]
    public void Only_tensors_below_the_key_are_planned_and_read()
    {
        string path = Fixtures.PathOf("containers/model_and_optimizer.pth");
        var whole = Checkpoint.Open(path);
        Checkpoint model = whole.Select("model_state_dict");

        Assert.Equal(9, model.Tensors.Length);
        Assert.Contains(model.Tensors, tensor => tensor.Name == "0.weight");
        Assert.Equal(
            whole.Tensors.Where(t => t.Name.StartsWith("model_state_dict.", StringComparison.Ordinal)).Sum(t => t.Bytes), model.ModelBytes);
        Extent[] optimizer =
        [
            .. whole.Tensors.Where(t => t.Name.StartsWith("optimizer", StringComparison.Ordinal)).Select(t => whole.Storages[t.Storage]),
        ];
        Assert.DoesNotContain(model.Storages, kept =>
            optimizer.Any(other => kept.Offset < other.Offset + other.Length && other.Offset < kept.Offset + kept.Length));
    }

    [Fact]
    public void A_selection_by_pattern_and_by_key_finds_tensors_or_is_refused()
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"));

        Assert.Equal(2, checkpoint.Select(null, include: ["*.MASK"]).Tensors.Length);
        Assert.Equal(37, checkpoint.Select(null, exclude: ["*.mask"]).Tensors.Length);
        Assert.Equal("weight", Assert.Single(checkpoint.Select("out_head").Tensors).Name);
        Assert.Equal("ML6005", Assert.Throws<MemLoadException>(() => checkpoint.Select("nothing")).Rule.Id);
        Assert.Equal("ML6006", Assert.Throws<MemLoadException>(() => checkpoint.Select(null, include: ["nothing*"])).Rule.Id);
    }

    [Fact]
    public void A_plan_beyond_the_devices_capacity_is_refused_before_anything_is_allocated()
    {
        var request = new LoadRequest
        {
            Path = Fixtures.PathOf("tiny/fp32.pth"),
            Strategy = Strategy.Baseline,
            DeviceMemoryLimit = 1 << 20,
        };
        using var prepared = PreparedLoad.Prepare(request);

        Assert.Equal("ML7006", Assert.Throws<MemLoadException>(() => prepared.Load()).Rule.Id);
        Assert.Equal(0, prepared.Device.Memory.PeakReserved);
    }

    [Fact]
    public void The_host_has_no_device_memory_to_limit()
    {
        var request = new LoadRequest
        {
            Path = Fixtures.PathOf("tiny/fp32.pth"),
            Device = "cpu",
            Strategy = Strategy.Stream,
            DeviceMemoryLimit = 1 << 30,
        };

        Assert.Equal("ML7007", Assert.Throws<MemLoadException>(() => PreparedLoad.Prepare(request)).Rule.Id);
    }

    [Fact]
    public void A_device_that_runs_out_of_memory_during_a_load_has_no_allocated_blocks()
    {
        using var device = new SimulatedDevice(capacityBytes: 2 << 20);
        LoadPlan plan = LoadPlan.Create(Strategy.Stream, SyntheticCheckpoint.OfCounts(100, 100_000, 900_000), device);

        Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => PlanRunner.Run(plan, device)).Rule.Id);
        Assert.Equal(0, device.Memory.Allocated);
    }

    [Fact]
    public void A_state_dict_that_does_not_fit_the_model_is_reported_as_PyTorch_reports_it()
    {
        ModelSpec model = GptConfig.Infer(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth")).Tensors, heads: 3).ToSpec();
        ModelSpec other = model with
        {
            Tensors =
            [
                .. model
                    .Tensors.Where(t => t.Name != "final_norm.shift")
                    .Append(new TensorSpec("extra.weight", DType.Float32, [2, 3]))
                    .Select(t => t.Name == "pos_emb.weight" ? t with { Shape = [32, 24] } : t),
            ],
        };

        var refusal = Assert.Throws<MemLoadException>(() =>
            StateDictMatch.Require(other, Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"))));

        Assert.Equal("ML6007", refusal.Rule.Id);
        Assert.Contains("Missing key(s) in state_dict: \"extra.weight\"", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Unexpected key(s) in state_dict: \"final_norm.shift\"", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(
            "size mismatch for pos_emb.weight: copying a param with shape torch.Size([16, 24]) from checkpoint, the shape in current "
                + "model is torch.Size([32, 24])",
            refusal.Message, StringComparison.Ordinal);
    }

    private static float[] Logits { get; } =
    [
        .. JsonDocument
            .Parse(File.ReadAllText(Fixtures.PathOf("tiny/logits.json")))
            .RootElement.GetProperty("logits")
            .EnumerateArray()
            .Select(value => value.GetSingle()),
    ];
}
