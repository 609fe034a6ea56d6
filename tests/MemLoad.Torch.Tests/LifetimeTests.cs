using TorchSharp;

namespace MemLoad.Torch.Tests;

/// <summary>The owners of the memory, and the time until it is freed.</summary>
[Collection(LibTorchHere.Collection)]
public sealed class LifetimeTests
{
    private const string Tiny = "tiny/fp32.pth";
    private const string Weight = "tok_emb.weight";

    private static LoadedModel Load(Strategy strategy, string path = Tiny) =>
        WeightLoader.Load(new LoadRequest { Path = Fixtures.PathOf(path), Strategy = strategy, Device = "torch:cpu" });

    [NeedsTheory(typeof(LibTorchHere), DisplayName = "The memory lives exactly as long as the weights or a tensor over it")]
    [InlineData(Strategy.Mmap)]
    [InlineData(Strategy.Stream)]
    public void The_memory_lives_exactly_as_long_as_the_weights_or_a_tensor_over_it(Strategy strategy)
    {
        LoadedModel model = Load(strategy);
        string expected = LibTorchHere.HashOf(model.Weights.AsTorch()[Weight]);
        torch.Tensor kept = model.Weights.AsTorch()[Weight].alias();
        torch.Tensor row = kept[3];

        model.Dispose();
        Assert.Equal(expected, LibTorchHere.HashOf(kept));
        Assert.Equal(1, TensorMemory.HeldCount);
        Assert.Equal(strategy == Strategy.Mmap, IsMapped(Path.GetFileName(Tiny)));

        kept.Dispose();
        Assert.Equal(1, TensorMemory.HeldCount); // a view holds it too

        row.Dispose();
        Assert.Equal(0, TensorMemory.HeldCount);
        Assert.False(IsMapped(Path.GetFileName(Tiny)));
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "A mapped tensor uses the pages of the file, and writes do not change the file")]
    public void A_mapped_tensor_can_be_written_without_changing_the_file()
    {
        using var folder = new TemporaryFolder();
        string path = folder.CopyFixture(Tiny, "model.pth");
        byte[] before = File.ReadAllBytes(path);
        using (LoadedModel model = Load(Strategy.Mmap, path))
        using (torch.NewDisposeScope())
        {
            torch.Tensor tensor = model.Weights.AsTorch()[Weight];
            tensor.fill_(7);
            Assert.Equal(7f, tensor[0, 0].ToSingle());
        }
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "The dispose scope of a caller does not release the weights")]
    public void The_dispose_scope_of_a_caller_does_not_release_the_weights()
    {
        LoadedModel model;
        using (torch.NewDisposeScope())
        {
            model = Load(Strategy.Stream);
        }
        using (model)
        {
            Assert.Equal(101 * 24, model.Weights.AsTorch()[Weight].numel());
        }
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "Tensors of removed weights are refused, not read")]
    public void Tensors_of_removed_weights_are_refused()
    {
        LoadedModel model = Load(Strategy.Stream);
        TorchStateDict tensors = model.Weights.AsTorch();
        torch.Tensor tensor = tensors[Weight];
        model.Dispose();

        Assert.Throws<ObjectDisposedException>(() => tensors[Weight]);
        Assert.True(tensor.IsInvalid);
    }

    [NeedsFact(
        typeof(LibTorchHere), DisplayName = "With libtorch loaded a null reference is still an exception, not the end of the process")]
    public void A_null_reference_is_still_an_exception()
    {
        string[] nothing = [null!];

        Assert.Throws<NullReferenceException>(() => nothing[0].Length);
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "Auto measures this machine and chooses, as on every device")]
    public void Auto_measures_this_machine_and_chooses()
    {
        using var folder = new TemporaryFolder();
        string? before = Environment.GetEnvironmentVariable("MEMLOAD_CACHE");
        Environment.SetEnvironmentVariable("MEMLOAD_CACHE", folder.Path);
        try
        {
            using LoadedModel model = Load(Strategy.Auto);
            Assert.Contains(model.Prepared.Plan.Strategy, Strategies.All);
            Assert.Contains(folder.Names, name =>
                name.StartsWith("speed-", StringComparison.Ordinal) && name.EndsWith("-torch-cpu.json", StringComparison.Ordinal));
            Assert.Equal(0, TensorMemory.HeldCount - model.Weights.StorageLengths.Length);
        }
        finally
        {
            Environment.SetEnvironmentVariable("MEMLOAD_CACHE", before);
        }
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "Weights on another device are not tensors of libtorch")]
    public void Weights_on_another_device_are_not_tensors_of_libtorch()
    {
        using LoadedModel model = WeightLoader.Load(
            new LoadRequest
            {
                Path = Fixtures.PathOf(Tiny),
                Strategy = Strategy.Stream,
                Device = "cpu",
            });

        Assert.Equal("ML7021", Assert.Throws<MemLoadException>(() => model.Weights.AsTorch()).Rule.Id);
    }

    [NeedsTheory(typeof(LibTorchHere), DisplayName = "Twenty loads and removals release all memory")]
    [InlineData(Strategy.Mmap)]
    [InlineData(Strategy.Stream)]
    [InlineData(Strategy.Baseline)]
    public void Twenty_loads_and_removals_release_all_memory(Strategy strategy)
    {
        using var folder = new TemporaryFolder();
        // The model has 51 MiB. A model that is not freed is then visible, and the test stays short.
        var source = new GptInitializer(new GptConfig(4096, 256, 512, 3, 8), seed: 5);
        CheckpointWriter.Write(source, folder["model.pth"], CheckpointFormat.TorchZip);
        var request = new LoadRequest { Path = folder["model.pth"], Strategy = strategy, Device = "torch:cpu" };
        long second = 0;
        for (int i = 1; i <= 20; i++)
        {
            using (LoadedModel model = WeightLoader.Load(request))
            {
                _ = model.Prepared.Device.BuildGpt(GptConfig.Infer(model.Weights.Tensors, heads: 8), model.Weights).Forward([1, 2, 3]);
            }
            second = i == 2 ? HostBytesNow() : second;
        }
        Assert.InRange(HostBytesNow() - second, long.MinValue, 32L << 20);
        Assert.Equal(0, TensorMemory.HeldCount);
    }

    // Garbage that .NET has not collected yet is not a leak.
    private static long HostBytesNow()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return MemoryUsage.Now().HostBytes ?? 0;
    }

    private static bool IsMapped(string file) =>
        OperatingSystem.IsLinux() && File.ReadLines("/proc/self/maps").Any(line => line.EndsWith(file, StringComparison.Ordinal));
}
