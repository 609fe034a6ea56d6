using System.CommandLine;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace MemLoad.Bench;

/// <summary><c>small</c>: BenchmarkDotNet for operations that are too short for a separate process.</summary>
internal static class SmallCommand
{
    public static Command Build()
    {
        var command = new Command("small", "Times opening, the digest and a forward pass of small models.");
        command.SetAction(_ =>
        {
            // The benchmarks run in this process. A separate project per run could not be restored without a network.
            Job job = Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance);
            BenchmarkRunner.Run<SmallThings>(
                DefaultConfig.Instance.AddJob(job).WithArtifactsPath(Path.Combine(Path.GetTempPath(), "memload-bench")));
        });
        return command;
    }
}

/// <summary>A GPT of a quarter of a million parameters in both formats, and a thousand small tensors.</summary>
[MemoryDiagnoser]
public class SmallThings
{
    private static readonly GptConfig Config = new(1000, 64, 64, 2, 4);
    private static readonly int[] Tokens = [1, 2, 3];
    private const int Blocks = 1_000_000;

    private DirectoryInfo? _folder;
    private LoadedModel? _loaded;
    private GptModel? _model;

    private string Zip => Path.Combine(_folder!.FullName, "x.pth");
    private string Safetensors => Path.Combine(_folder!.FullName, "x.safetensors");

    [GlobalSetup]
    public void SetUp()
    {
        _folder = Directory.CreateTempSubdirectory("memload-bench-");
        CheckpointWriter.Write(new GptInitializer(Config, 1), Zip, CheckpointFormat.TorchZip);
        CheckpointWriter.Write(new GptInitializer(Config, 1), Safetensors, CheckpointFormat.Safetensors);
        _loaded = WeightLoader.Load(new LoadRequest { Path = Zip, Strategy = Strategy.Stream, Device = "cpu" });
        _model = new GptModel(Config, name => _loaded.Weights[name]);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _loaded?.Dispose();
        _folder?.Delete(recursive: true);
    }

    [Benchmark]
    public Checkpoint OpenZip() => Checkpoint.Open(Zip);

    [Benchmark]
    public Checkpoint OpenSafetensors() => Checkpoint.Open(Safetensors);

    [Benchmark]
    public LoadForecast Plan()
    {
        using var prepared = PreparedLoad.Prepare(new LoadRequest { Path = Zip, Strategy = Strategy.Stream, Device = "sim" });
        return prepared.ToRow();
    }

    [Benchmark]
    public void LoadStream() => WeightLoader.Load(new LoadRequest { Path = Zip, Strategy = Strategy.Stream, Device = "cpu" }).Dispose();

    [Benchmark]
    public void LoadMmap() => WeightLoader.Load(new LoadRequest { Path = Zip, Strategy = Strategy.Mmap, Device = "cpu" }).Dispose();

    [Benchmark]
    public string Digest() => WeightsDigest.Of(_loaded!.Weights);

    [Benchmark]
    public float[] Forward() => _model!.Forward(Tokens);

    /// <summary>The cost of taking one block of a load while all processors only take blocks.</summary>
    [Benchmark(OperationsPerInvoke = Blocks)]
    public static void TakeBlocks() => Workers.RunEach(Blocks, Environment.ProcessorCount, static (_, _) => { }, CancellationToken.None);
}
