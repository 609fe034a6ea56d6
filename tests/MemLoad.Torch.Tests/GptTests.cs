using System.Runtime.InteropServices;
using System.Text.Json;
using MemLoad.Tests;
using MemLoad.Tests.Peers;

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

    [SkippableTheory(DisplayName = "The loaded model computes what PyTorch computes, to 1e-6 " + LibTorchHere.Needed)]
    [MemberData(nameof(TinyModels))]
    public void The_loaded_model_computes_what_PyTorch_computes(string file, Strategy strategy)
    {
        LibTorchHere.Require();
        using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = Fixtures.PathOf(file), Device = "torch:cpu", Strategy = strategy });
        IGptModel gpt = model.Prepared.Device.BuildGpt(GptConfig.Infer(model.Weights.Tensors, heads: 3), model.Weights);

        float[] logits = gpt.Forward([1, 2, 3]);

        Assert.Equal(Logits.Length, logits.Length);
        Assert.All(Logits.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
        Assert.Equal(logits, gpt.Forward([1, 2, 3]));
    }

    [SkippableTheory(DisplayName = "gpt2-small's logits are PyTorch's, to 1e-5 " + LibTorchHere.Needed + " " + PythonPeer.TorchNeeded)]
    [InlineData(Strategy.Mmap)]
    [InlineData(Strategy.Stream)]
    public void The_logits_of_gpt2_small_are_PyTorchs(Strategy strategy)
    {
        LibTorchHere.Require();
        PythonPeer.SkipWithoutTorch();
        using var folder = new TemporaryFolder();
        var config = GptConfig.FromSize("gpt2-small");
        CheckpointWriter.Write(new GptInitializer(config, seed: 123), folder["model.pth"], CheckpointFormat.TorchZip);
        int[] tokens = [15496, 11, 314, 716, 257, 3303, 2746, 13];
        string script = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "notebook_gpt.py"));
        _ = PythonPeer.Run(
            script, folder["model.pth"], JsonSerializer.Serialize<int[]>([config.VocabularySize, config.ContextLength, config.EmbeddingSize, config.LayerCount, config.HeadCount]),
            JsonSerializer.Serialize(tokens), folder["logits"]);
        float[] expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(folder["logits"])).ToArray();

        using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = folder["model.pth"], Device = "torch:cpu", Strategy = strategy });
        float[] logits = model.Prepared.Device.BuildGpt(config, model.Weights).Forward(tokens);

        Assert.Equal(expected.Length, logits.Length);
        Assert.InRange(expected.Zip(logits, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-5f);
    }

    [SkippableTheory(DisplayName = "A model in half precision computes nearly the same in its own type " + LibTorchHere.Needed)]
    [InlineData("tiny/bf16.pth", 0.05f)]
    [InlineData("tiny/fp16.pth", 0.01f)]
    public void A_model_in_half_precision_computes_nearly_the_same(string file, float tolerance)
    {
        LibTorchHere.Require();
        using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = Fixtures.PathOf(file), Device = "torch:cpu", Strategy = Strategy.Mmap });

        float[] logits = model.Prepared.Device.BuildGpt(GptConfig.Infer(model.Weights.Tensors, heads: 3), model.Weights).Forward([1, 2, 3]);

        Assert.All(Logits.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }

    [SkippableFact(DisplayName = "A fresh model on torch:cpu is the one on cpu " + LibTorchHere.Needed)]
    public void A_fresh_model_is_the_one_on_cpu()
    {
        LibTorchHere.Require();
        var config = new GptConfig(64, 16, 32, 2, 4, QkvBias: false);
        var source = new GptInitializer(config, seed: 7);
        using IDevice torchCpu = DeviceRegistry.Open("TORCH:CPU");
        using IDevice cpu = DeviceRegistry.Open("cpu");
        using LoadedWeights there = ModelBuilder.Build(source, torchCpu);
        using LoadedWeights here = ModelBuilder.Build(source, cpu);

        Assert.Equal(WeightsDigest.Of(here), WeightsDigest.Of(there));
        float[] expected = cpu.BuildGpt(config, here).Forward([5, 1, 63]);
        Assert.All(expected.Zip(torchCpu.BuildGpt(config, there).Forward([5, 1, 63])), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [SkippableFact(DisplayName = "What cannot be run is refused as on cpu " + LibTorchHere.Needed)]
    public void What_cannot_be_run_is_refused()
    {
        LibTorchHere.Require();
        using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = Fixtures.PathOf("tiny/fp32.pth"), Device = "torch:cpu", Strategy = Strategy.Mmap });
        IDevice device = model.Prepared.Device;
        var config = GptConfig.Infer(model.Weights.Tensors, heads: 3);
        IGptModel gpt = device.BuildGpt(config, model.Weights);

        Assert.Equal("ML6025", Assert.Throws<MemLoadException>(() => gpt.Forward([101])).Rule.Id);
        Assert.Equal("ML6026", Assert.Throws<MemLoadException>(() => gpt.Forward([])).Rule.Id);
        Assert.Equal("ML6021", Assert.Throws<MemLoadException>(() => device.BuildGpt(config with { LayerCount = 3 }, model.Weights)).Rule.Id);
        Assert.Equal("ML6024", Assert.Throws<MemLoadException>(() => device.BuildGpt(config with { ContextLength = 8 }, model.Weights)).Rule.Id);
        Assert.Throws<OperationCanceledException>(() => gpt.Forward([1], new CancellationToken(canceled: true)));
    }

    private static float[] Logits { get; } =
        [.. JsonDocument.Parse(File.ReadAllText(Fixtures.PathOf("tiny/logits.json"))).RootElement.GetProperty("logits").EnumerateArray().Select(value => value.GetSingle())];
}
