namespace MemLoad.Tests.Loading;

public sealed class ColdLoadTests : IDisposable
{
    // Small tensors between tensors with a length of several blocks.
    private static readonly GptConfig Config = new(8000, 64, 512, 2, 8);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("model.pth", CheckpointFormat.TorchZip)]
    [InlineData("model.safetensors", CheckpointFormat.Safetensors)]
    public void Every_strategy_loads_from_the_disk_what_it_loads_from_the_cache(string name, CheckpointFormat format)
    {
        string path = _folder[name];
        CheckpointWriter.Write(new GptInitializer(Config, 5), path, format);
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux drops one file from its page cache");
        Skip.IfNot(PageCache.Evict([path]) is 0, "this file system does not evict pages");
        string expected = WeightsDigest.Of(Checkpoint.Open(path));
        foreach (string device in (string[])["cpu", "sim"])
        {
            foreach (Strategy strategy in Strategies.All)
            {
                _ = PageCache.Evict([path]);
                using LoadedModel loaded = WeightLoader.Load(new LoadRequest { Path = path, Strategy = strategy, Device = device });
                Assert.Equal(expected, WeightsDigest.Of(loaded.Weights));
            }
        }
    }

    [Fact]
    public void Cold_weights_replace_warm_weights_of_another_format_in_place()
    {
        string first = _folder["first.safetensors"];
        string second = _folder["second.pth"];
        CheckpointWriter.Write(new GptInitializer(Config, 5), first, CheckpointFormat.Safetensors);
        CheckpointWriter.Write(new GptInitializer(Config, 6), second, CheckpointFormat.TorchZip);
        string expected = WeightsDigest.Of(Checkpoint.Open(second));
        using LoadedModel loaded = WeightLoader.Load(new LoadRequest { Path = first, Strategy = Strategy.Stream, Device = "cpu" });
        if (OperatingSystem.IsLinux())
        {
            _ = PageCache.Evict([second]);
        }
        WeightRefill.Run(loaded.Weights, Checkpoint.Open(second), loaded.Prepared.Device);
        Assert.Equal(expected, WeightsDigest.Of(loaded.Weights));
    }
}
