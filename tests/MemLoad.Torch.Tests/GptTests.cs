using System.Text.Json;

namespace MemLoad.Torch.Tests;

[Collection(LibTorchHere.Collection)]
public sealed class GptTests
{
    public static TheoryData<string, Strategy> TinyModels
    {
        get
        {
            var data = new TheoryData<string, Strategy>();
            foreach (string file in new[] { "tiny/fp32.pth", "tiny/legacy.pth", "tiny/protocol4.pth", "tiny/fp32.safetensors" })
            {
                foreach (Strategy strategy in Strategies.All)
                {
                    data.Add(file, strategy);
                }
            }
            return data;
        }
    }

    [NeedsTheory(typeof(LibTorchHere), DisplayName = "The loaded model computes what PyTorch computes, to 1e-6")]
    [MemberData(nameof(TinyModels))]
    public void The_loaded_model_computes_what_PyTorch_computes(string file, Strategy strategy)
    {
        using LoadedModel model = WeightLoader.Load(
            new LoadRequest
            {
                Path = Fixtures.PathOf(file),
                Device = "torch:cpu",
                Strategy = strategy,
            });
        IGptModel gpt = model.Prepared.Device.BuildGpt(GptConfig.Infer(model.Weights.Tensors, heads: 3), model.Weights);

        float[] logits = gpt.Forward([1, 2, 3]);

        Assert.Equal(Logits.Length, logits.Length);
        Assert.All(Logits.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
        Assert.Equal(logits, gpt.Forward([1, 2, 3]));
    }

    [NeedsTheory(typeof(LibTorchHere), DisplayName = "The logits of gpt2-small are those of PyTorch, to 1e-5")]
    [InlineData(Strategy.Mmap)]
    [InlineData(Strategy.Stream)]
    public void The_logits_of_gpt2_small_are_those_of_PyTorch(Strategy strategy)
    {
        // bench/peers/record_logits.py wrote them: logits at a fixed interval that PyTorch computes from the same file.
        JsonElement recorded = JsonDocument.Parse(File.ReadAllText(Fixtures.PathOf("gpt2-small/logits.json"))).RootElement;
        int step = recorded.GetProperty("step").GetInt32();
        int[] tokens = [.. recorded.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())];
        float[] expected = [.. recorded.GetProperty("logits").EnumerateArray().Select(value => value.GetSingle())];
        using var folder = new TemporaryFolder();
        var config = GptConfig.FromSize("gpt2-small");
        CheckpointWriter.Write(new GptInitializer(config, seed: 123), folder["model.pth"], CheckpointFormat.TorchZip);

        using LoadedModel model = WeightLoader.Load(
            new LoadRequest
            {
                Path = folder["model.pth"],
                Device = "torch:cpu",
                Strategy = strategy,
            });
        float[] logits = model.Prepared.Device.BuildGpt(config, model.Weights).Forward(tokens);

        Assert.Equal(config.VocabularySize * tokens.Length, logits.Length);
        Assert.Equal((logits.Length + step - 1) / step, expected.Length);
        Assert.InRange(expected.Select((value, i) => Math.Abs(value - logits[i * step])).Max(), 0, 1e-5f);
    }

    [NeedsTheory(typeof(LibTorchHere), DisplayName = "A model in half precision computes nearly the same in its own type")]
    [InlineData("tiny/bf16.pth", 0.05f)]
    [InlineData("tiny/fp16.pth", 0.01f)]
    public void A_model_in_half_precision_computes_nearly_the_same(string file, float tolerance)
    {
        using LoadedModel model = WeightLoader.Load(
            new LoadRequest
            {
                Path = Fixtures.PathOf(file),
                Device = "torch:cpu",
                Strategy = Strategy.Mmap,
            });

        float[] logits = model.Prepared.Device.BuildGpt(GptConfig.Infer(model.Weights.Tensors, heads: 3), model.Weights).Forward([1, 2, 3]);

        Assert.All(Logits.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "A new model on torch:cpu is the same as on cpu")]
    public void A_new_model_is_the_same_as_on_cpu()
    {
        var config = new GptConfig(64, 16, 32, 2, 4, QkvBias: false);
        var source = new GptInitializer(config, seed: 7);
        using IDevice torchCpu = DeviceRegistry.Open("TORCH:CPU");
        using IDevice cpu = DeviceRegistry.Open("cpu");
        using LoadedWeights there = ModelBuilder.Build(source, torchCpu);
        using LoadedWeights here = ModelBuilder.Build(source, cpu);

        Assert.Equal(WeightsDigest.Of(here), WeightsDigest.Of(there));
        float[] expected = cpu.BuildGpt(config, here).Forward([5, 1, 63]);
        Assert.All(expected.Zip(torchCpu.BuildGpt(config, there).Forward([5, 1, 63])), pair =>
            Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "A model that cannot be run is refused as on cpu")]
    public void A_model_that_cannot_be_run_is_refused()
    {
        using LoadedModel model = WeightLoader.Load(
            new LoadRequest
            {
                Path = Fixtures.PathOf("tiny/fp32.pth"),
                Device = "torch:cpu",
                Strategy = Strategy.Mmap,
            });
        IDevice device = model.Prepared.Device;
        var config = GptConfig.Infer(model.Weights.Tensors, heads: 3);
        IGptModel gpt = device.BuildGpt(config, model.Weights);

        Assert.Equal("ML6025", Assert.Throws<MemLoadException>(() => gpt.Forward([101])).Rule.Id);
        Assert.Equal("ML6026", Assert.Throws<MemLoadException>(() => gpt.Forward([])).Rule.Id);
        Assert.Equal(
            "ML6021", Assert.Throws<MemLoadException>(() => device.BuildGpt(config with { LayerCount = 3 }, model.Weights)).Rule.Id);
        Assert.Equal(
            "ML6024", Assert.Throws<MemLoadException>(() => device.BuildGpt(config with { ContextLength = 8 }, model.Weights)).Rule.Id);
        Assert.Throws<OperationCanceledException>(() => gpt.Forward([1], new CancellationToken(canceled: true)));
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
