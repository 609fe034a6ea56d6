using System.Diagnostics;
using TorchSharp;
#if PYBRIDGE
using TorchSharp.PyBridge;
#endif

namespace MemLoad.Bench;

/// <summary>A method of TorchSharp to load a model: the file format, and the functions that write and load a file.</summary>
internal sealed record Contender(string Name, string Extension, Action<torch.nn.Module, string> Write, Action<torch.nn.Module, string> Load)
{
    public const string Verb = "contender";

    private static readonly GptConfig Toy = new(64, 16, 8, 1, 2);

    public static IReadOnlyList<Contender> All { get; } =
    [
        new("TorchSharp load (.dat)", ".dat", (module, path) => module.save(path), (module, path) => module.load(path)),
#if PYBRIDGE
        new("PyBridge load_py (.pth)", ".pth", (module, path) => module.save_py(path), (module, path) => module.load_py(path)),
        new(
            "PyBridge load_safetensors",
            ".safetensors",
            (module, path) => module.save_safetensors(path),
            (module, path) => module.load_safetensors(path)),
#endif
    ];

    public static Contender Named(string name) => All.Single(contender => contender.Name == name);

    /// <summary>Returns the command for this program with other arguments.</summary>
    public static WorkerCommand Child(params string[] arguments)
    {
        WorkerCommand self = WorkerCommand.ByArgument();
        return self with { Arguments = [.. self.Arguments.SkipLast(1), .. arguments] };
    }

    /// <summary>Loads the file into a new model. A small model is loaded first, so that all code is compiled.</summary>
    public Row Measure(GptConfig config, string path)
    {
        // MemLoad finds and loads libtorch, so that all contenders use the same libtorch.
        using IDevice device = DeviceRegistry.Open("torch:cpu");
        WarmUp();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var probe = MemoryProbe.Start();
        long start = Stopwatch.GetTimestamp();
        using var model = new PlainModel(config.ToSpec());
        Load(model, path);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        ProbeResult measured = probe.Stop();
        return new Row(
            Name,
            measured.PeakHostBytes,
            measured.PeakHostFileBytes,
            (long)elapsed.TotalMilliseconds,
            WeightsDigest.Of(new ModuleWeights(model)));
    }

    private void WarmUp()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("memload-bench-");
        try
        {
            string path = Path.Combine(folder.FullName, "toy" + Extension);
            using var toy = new PlainModel(Toy.ToSpec());
            Write(toy, path);
            Load(toy, path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

/// <summary>The checkpoint in the format of each contender. A file is created when it is needed, and is deleted at the end.</summary>
internal sealed class FileSet(string checkpoint) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateDirectory(
        Path.Combine(Path.GetDirectoryName(checkpoint)!, $"bench-{Environment.ProcessId}"));

    public string Of(Contender contender, string size)
    {
        string path = contender.Extension == ".pth" ? checkpoint : Path.Combine(_folder.FullName, size + contender.Extension);
        if (File.Exists(path))
        {
            return path;
        }
        if (contender.Extension == ".safetensors")
        {
            CheckpointWriter.Write(Checkpoint.Open(checkpoint), path, CheckpointFormat.Safetensors);
            return path;
        }
        using LoadedModel weights = WeightLoader.Load(
            new LoadRequest
            {
                Path = checkpoint,
                Strategy = Strategy.Mmap,
                Device = "torch:cpu",
            });
        using var model = new PlainModel(GptConfig.FromSize(size).ToSpec());
        using (torch.NewDisposeScope())
        {
            foreach ((string name, torch.Tensor tensor) in model.state_dict())
            {
                tensor.copy_(Torch.TorchWeights.AsTorch(weights.Weights)[name]);
            }
        }
        contender.Write(model, path);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
