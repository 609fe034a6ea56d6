// Measures loads of a checkpoint into tensors of libtorch. The contenders are MemLoad's strategies on torch:cpu, TorchSharp's own load and,
// if the build included it, TorchSharp.PyBridge. Each runs in a separate process with the files in the page cache. The digest of every
// result is computed.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MemLoad;
using MemLoad.Bench;

if (args is [WorkerCommand.Verb])
{
    return MeasurementWorker.Run(Console.OpenStandardInput(), Console.OpenStandardOutput());
}
if (args is [Contender.Verb, string name, string size, string file])
{
    Console.WriteLine(JsonSerializer.Serialize(Contender.Named(name).Measure(GptConfig.FromSize(size), file)));
    return 0;
}
#if PYBRIDGE
if (args is [BridgeReader.Verb])
{
    BridgeReader.Run(Console.In, Console.Out);
    return 0;
}
#endif
string model = args.Length > 0 ? args[0] : "gpt2-large";
int repeat = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1;

Console.Error.WriteLine($"making {model} in three formats");
string checkpoint = GeneratedCheckpoint.Ensure(model);
using var files = new FileSet(checkpoint);
Console.WriteLine(
    $"{model}, {new FileInfo(checkpoint).Length} bytes; {HostFacts.ProcessorName}, {Environment.ProcessorCount} cores; MiB above the "
        + $"idle process");
Console.WriteLine($"{"Contender", -34} {"Anonymous", 10} {"File-backed", 12} {"ms", 8}  Digest");
for (int run = 0; run < repeat; run++)
{
    foreach (Strategy strategy in Strategies.All)
    {
        LoadMeasurement row = await new LoadMeasurer(Contender.Child(WorkerCommand.Verb)).MeasureAsync(
            new MeasureRequest(
                new LoadRequest
                {
                    Path = checkpoint,
                    Strategy = strategy,
                    Device = "torch:cpu",
                })
            {
                Cache = CacheState.Warm,
            });
        Print(
            new Row(
                $"MemLoad {strategy} (.pth)",
                row.PeakHostBytes,
                row.PeakHostFileBytes,
                row.ElapsedMicroseconds / 1000,
                row.WeightsDigest ?? row.Message ?? row.Outcome));
    }
    foreach (Contender contender in Contender.All)
    {
        string path = files.Of(contender, model);
        PageCache.Warm([path]);
        Print(Run(contender, model, path));
    }
}
return 0;

static Row Run(Contender contender, string model, string path)
{
    WorkerCommand self = Contender.Child(Contender.Verb, contender.Name, model, path);
    using Process child = Process.Start(
        new ProcessStartInfo(self.FileName, self.Arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
    )!;
    Task<string> complaints = child.StandardError.ReadToEndAsync();
    string answer = child.StandardOutput.ReadToEnd();
    child.WaitForExit();
    string last = answer.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";
    return child.ExitCode == 0
        ? JsonSerializer.Deserialize<Row>(last)!
        : new Row(contender.Name, null, null, null, $"failed: {complaints.Result.Split('\n')[0]}");
}

static void Print(Row row) =>
    Console.WriteLine(
        $"{row.Contender, -34} {Mebibytes(row.HostBytes), 10} {Mebibytes(row.HostFileBytes), 12} {row.Milliseconds, 8}  "
            + $"{(row.Digest.Length == 64 ? row.Digest[..16] : row.Digest)}");

static string Mebibytes(long? bytes) => bytes is long number ? (number / 1048576.0).ToString("0", CultureInfo.InvariantCulture) : "?";

internal sealed record Row(string Contender, long? HostBytes, long? HostFileBytes, long? Milliseconds, string Digest);
