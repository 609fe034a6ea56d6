using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MemLoad;
using MemLoad.OpenScale;

// Opens checkpoints with increasing numbers of tensors, each in a separate process, and prints one row per checkpoint:
//   dotnet run -c Release --project bench/OpenScale -- [--folder /var/tmp] [--counts 1000,10000,100000] [FILE ...]
// FILEs are opened as well, such as files of PyTorch or of another program. With --worst it opens the worst file of every construct
// instead, in two lengths, and prints the cost per byte:
//   dotnet run -c Release --project bench/OpenScale -- --worst [--folder /dev/shm] [--only memo]
if (args is ["--open", string target])
{
    Console.WriteLine(JsonSerializer.Serialize(Opened(target)));
    return;
}

string folder = Option("--folder") ?? Path.GetTempPath();
if (args.Contains("--worst"))
{
    Worst.Run(folder, Option("--only") ?? "");
    return;
}
int[] counts = [.. (Option("--counts") ?? "1000,10000,100000").Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture))];
string[] given =
[
    .. args.Where(
        (arg, i) => !arg.StartsWith("--", StringComparison.Ordinal) && (i == 0 || !args[i - 1].StartsWith("--", StringComparison.Ordinal))),
];
Console.WriteLine(
    "| file | tensors | headers MB | start to exit ms | first open ms (processor) | warm open ms (processor) | µs a tensor | allocated "
        + "MB | live MB | peak resident above idle MB |");
Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
foreach (string path in given)
{
    Row(path);
}
foreach (CheckpointFormat format in new[] { CheckpointFormat.TorchZip, CheckpointFormat.Safetensors })
{
    foreach (int count in counts)
    {
        string path = Path.Combine(folder, $"open-scale-{count}{(format == CheckpointFormat.TorchZip ? ".pth" : ".safetensors")}");
        CheckpointWriter.Write(new Experts(count, format), path, format, overwrite: true);
        try
        {
            Row(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}

string? Option(string name) => Array.IndexOf(args, name) is int at and >= 0 ? args[at + 1] : null;

// The median of five processes.
static void Row(string path)
{
    var runs = new List<(double Total, Result Result)>();
    for (int i = 0; i < 5; i++)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        foreach (string argument in new[] { "--open", path })
        {
            start.ArgumentList.Add(argument);
        }
        var clock = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Result result = JsonSerializer.Deserialize<Result>(output)!;
        runs.Add((clock.Elapsed.TotalMilliseconds - result.WarmTotal, result));
    }
    double Median(Func<(double Total, Result Result), double> of) => runs.Select(of).Order().ElementAt(runs.Count / 2);
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"| {Path.GetFileName(path)} | {runs[0].Result.Tensors:n0} | "
                + $"{new FileInfo(path).Length / 1e6 - runs[0].Result.DataBytes / 1e6:0.0} | {Median(run => run.Total):0} | "
                + $"{Median(run => run.Result.First):0} ({Median(run => run.Result.FirstProcessor):0}) | "
                + $"{Median(run => run.Result.Warm):0} ({Median(run => run.Result.WarmProcessor):0}) | "
                + $"{1000 * Median(run => run.Result.Warm) / runs[0].Result.Tensors:0.0} | "
                + $"{Median(run => run.Result.Allocated) / 1e6:0.0} | "
                + $"{Median(run => run.Result.Live) / 1e6:0.0} | {Median(run => run.Result.Peak) / 1e6:0.0} |"
        ));
}

static Result Opened(string path)
{
    long idle = Resident();
    long allocated = GC.GetAllocatedBytesForCurrentThread();
    TimeSpan idleTime = Environment.CpuUsage.TotalTime;
    var clock = Stopwatch.StartNew();
    var checkpoint = Checkpoint.Open(path);
    double first = clock.Elapsed.TotalMilliseconds;
    int collections = GC.CollectionCount(2);
    double processor = (Environment.CpuUsage.TotalTime - idleTime).TotalMilliseconds;
    long peak = Resident() - idle;
    allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
    int tensors = checkpoint.Tensors.Length;
    long bytes = checkpoint.ModelBytes;
    clock.Restart();
    var warm = new List<double>();
    for (int i = 0; i < 5; i++)
    {
        var one = Stopwatch.StartNew();
        checkpoint = Checkpoint.Open(path);
        warm.Add(one.Elapsed.TotalMilliseconds);
    }
    double warmProcessor = (Environment.CpuUsage.TotalTime - idleTime).TotalMilliseconds - processor;
    long with = GC.GetTotalMemory(forceFullCollection: true);
    GC.KeepAlive(checkpoint);
    checkpoint = null;
    long without = GC.GetTotalMemory(forceFullCollection: true);
    return new Result(
        tensors,
        bytes,
        first,
        warm.Order().ElementAt(2),
        clock.Elapsed.TotalMilliseconds,
        with - without,
        peak,
        allocated,
        processor,
        warmProcessor / warm.Count,
        collections);
}

// The high-water mark of the process (Linux). On other systems, the current size.
static long Resident()
{
    string? line = OperatingSystem.IsLinux()
        ? File.ReadLines("/proc/self/status").FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal))
        : null;
    return line is null ? Environment.WorkingSet : 1024 * long.Parse(line[6..^2], CultureInfo.InvariantCulture);
}

internal sealed record Result(
    int Tensors,
    long DataBytes,
    double First,
    double Warm,
    double WarmTotal,
    long Live,
    long Peak,
    long Allocated,
    double FirstProcessor,
    double WarmProcessor,
    int Collections);

/// <summary>Many small tensors, with the names of mixture-of-experts models.</summary>
internal sealed class Experts(int count, CheckpointFormat format) : IWeightSource
{
    private static readonly byte[] Content = new byte[32];

    public ImmutableArray<TensorEntry> Tensors { get; } =
    [
        .. Enumerable
            .Range(0, count)
            .Select(i => new TensorEntry(
                NameOf(i, count, format),
                DType.Float32,
                [2, 4],
                [4, 1],
                i,
                0)),
    ];

    public ImmutableArray<long> StorageLengths { get; } = [.. Enumerable.Repeat(32L, count)];

    public void StreamStorage(int storage, ElementSink sink) => sink(Content);

    // The header of a safetensors file has at most 100 MB, so the names of a million tensors are shorter.
    private static string NameOf(int i, int count, CheckpointFormat format) =>
        format == CheckpointFormat.Safetensors && count > 800_000
            ? $"layers.{i / 384}.mlp.experts.{i % 384 / 3}.w{i % 3}"
            : $"model.layers.{i / 384}.mlp.experts.{i % 384 / 3}.proj{i % 3}.weight";

    public void StreamElements(TensorEntry tensor, ElementSink sink) => sink(Content);
}
