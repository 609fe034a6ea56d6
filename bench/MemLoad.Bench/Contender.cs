using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MemLoad.Bench;

/// <summary>
/// A method to load a checkpoint: a limit of the machine, a strategy of MemLoad, or a method of PyTorch. Each runs in a separate process.
/// </summary>
/// <param name="Name">The name in the table.</param>
/// <param name="Kind">The kind of method.</param>
/// <param name="Devices">The devices to which it applies; empty for all devices.</param>
internal sealed record Contender(string Name, ContenderKind Kind, params string[] Devices)
{
    public const string Verb = "contender";

    private const string InPlace = "Stream, in place again";

    /// <summary>Returns the contenders for a device and a state of the cache. Limits are first.</summary>
    public static IEnumerable<Contender> On(string device, string cache) => All.Where(contender =>
        (contender.Devices.Length == 0 || contender.Devices.Contains(device)) && (contender.Name != Limits.Disk || cache == "cold"));

    private static IReadOnlyList<Contender> All { get; } =
    [
        new("pread, fresh memory", ContenderKind.Limit, "cpu"),
        new("pread, touched memory", ContenderKind.Limit, "cpu"),
        new("memcpy, touched memory", ContenderKind.Limit, "cpu"),
        new("pread and pwrite to memory files", ContenderKind.Limit, "sim"),
        new(Limits.Disk, ContenderKind.Limit),
        .. Strategies.All.Select(strategy => new Contender(strategy.ToString(), ContenderKind.Strategy)),
        new(InPlace, ContenderKind.Strategy),
        new("baseline", ContenderKind.Python, "cpu"),
        new("meta", ContenderKind.Python, "cpu"),
        new("assign", ContenderKind.Python, "cpu"),
        new("mmap", ContenderKind.Python, "cpu"),
        new("pertensor", ContenderKind.Python, "cpu"),
        new("safetensors", ContenderKind.Python, "cpu"),
    ];

    /// <summary>The title in the table.</summary>
    public string Title => Kind switch { ContenderKind.Limit => $"limit: {Name}", ContenderKind.Python => $"PyTorch: {Name}", _ => Name };

    /// <summary>Runs in the child process: measures, and prints one line of JSON.</summary>
    public static int Run(string[] args)
    {
        if (args is not [string name, string device, string path, string verify, string dtype])
        {
            return 2;
        }
        Sample sample = Limits.All.Contains(name)
            ? new Sample(Limits.Measure(name, path).TotalSeconds)
            : Load(name, device, path, verify == "verify", Enum.TryParse(dtype, out DType cast) ? cast : null);
        Console.WriteLine(JsonSerializer.Serialize(sample));
        return 0;
    }

    private static Sample Load(string name, string device, string path, bool verify, DType? dtype)
    {
        var request = new LoadRequest
        {
            Path = path,
            Strategy = name == InPlace ? Strategy.Stream : Enum.Parse<Strategy>(name),
            Device = device,
            DType = dtype,
        };
        WarmUp(request);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        FreeMemory.Await();
        if (name == InPlace)
        {
            using LoadedModel first = WeightLoader.Load(request);
            long again = Stopwatch.GetTimestamp();
            WeightRefill.Run(first.Weights, LoadView.Of(Checkpoint.Open(path), dtype), first.Prepared.Device);
            return new Sample(Stopwatch.GetElapsedTime(again).TotalSeconds, Digest: verify ? WeightsDigest.Of(first.Weights) : null);
        }
        using var probe = MemoryProbe.Start();
        long faults = Faults();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        using LoadedModel loaded = WeightLoader.Load(request);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        cpu = Environment.CpuUsage.TotalTime - cpu;
        faults = Faults() - faults;
        ProbeResult memory = probe.Stop();
        double? touch = Touch(loaded.Weights, device);
        return new Sample(
            elapsed.TotalSeconds,
            touch,
            cpu.TotalSeconds,
            faults,
            memory.PeakHostBytes,
            memory.PeakHostFileBytes,
            verify ? WeightsDigest.Of(loaded.Weights) : null);
    }

    // Reads every weight once with all processors, as a first forward pass does. Returns null if the host cannot read the weights.
    private static unsafe double? Touch(LoadedWeights weights, string device)
    {
        if (device != "cpu")
        {
            return null;
        }
        const int Piece = 4 << 20;
        long start = Stopwatch.GetTimestamp();
        (nint Address, int Bytes)[] pieces =
        [
            .. from tensor in weights.Tensors
               let address = weights[tensor.Name].Address
               from offset in Enumerable.Range(0, (int)((tensor.Bytes + Piece - 1) / Piece)).Select(i => (long)i * Piece)
               select (address + (nint)offset, (int)Math.Min(Piece, tensor.Bytes - offset)),
        ];
        int next = -1;
        Thread[] threads =
        [
            .. Enumerable
                .Range(0, Environment.ProcessorCount)
                .Select(_ => new Thread(() =>
                {
                    float sum = 0;
                    for (int i = Interlocked.Increment(ref next); i < pieces.Length; i = Interlocked.Increment(ref next))
                    {
                        sum += TensorPrimitives.Sum(
                            MemoryMarshal.Cast<byte, float>(new ReadOnlySpan<byte>((byte*)pieces[i].Address, pieces[i].Bytes)));
                    }
                    GC.KeepAlive(sum);
                })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void WarmUp(LoadRequest request)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("memload-bench-");
        try
        {
            string toy = Path.Combine(folder.FullName, "toy" + Path.GetExtension(request.Path));
            // The model has all tensors of a real model, so that the same code is compiled.
            CheckpointWriter.Write(
                new GptInitializer(new GptConfig(64, 16, 8, 36, 2), 1),
                toy,
                Path.GetExtension(toy) == ".pth" ? CheckpointFormat.TorchZip : CheckpointFormat.Safetensors);
            // The load is repeated until the code is fully optimized, as in a session with earlier loads.
            for (int i = 0; i < 100; i++)
            {
                using LoadedModel loaded = WeightLoader.Load(request with { Path = toy });
                Touch(loaded.Weights, request.Device);
                Thread.Sleep(10);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Returns the minor and major faults of this process; 0 if the file does not exist.
    private static long Faults()
    {
        if (!File.Exists("/proc/self/stat"))
        {
            return 0;
        }
        string[] fields = File.ReadAllText("/proc/self/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return long.Parse(fields[7], CultureInfo.InvariantCulture) + long.Parse(fields[9], CultureInfo.InvariantCulture);
    }
}

/// <summary>The kind of a contender.</summary>
internal enum ContenderKind
{
    Limit,
    Strategy,
    Python,
}
