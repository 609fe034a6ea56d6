using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MemLoad.Bench;

/// <summary>
/// One way of moving a checkpoint's bytes: a limit of the machine, a strategy of MemLoad's, or PyTorch's. Each runs in a process of its
/// own.
/// </summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="Kind">Which of the three.</param>
/// <param name="Devices">Where it makes sense; empty for anywhere.</param>
internal sealed record Contender(string Name, ContenderKind Kind, params string[] Devices)
{
    public const string Verb = "contender";

    private const string InPlace = "Stream, in place again";

    /// <summary>Those that run on a device from files in a state of the cache, limits first.</summary>
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

    /// <summary>As the table shows it.</summary>
    public string Title => Kind switch { ContenderKind.Limit => $"limit: {Name}", ContenderKind.Python => $"PyTorch: {Name}", _ => Name };

    /// <summary>The child's side: measures and prints one line of JSON.</summary>
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

    // Every weight read once, by all processors, as a first forward pass would. Null where the host cannot read them.
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
            // As many tensors as the real ones have, so that the same code is compiled.
            CheckpointWriter.Write(
                new GptInitializer(new GptConfig(64, 16, 8, 36, 2), 1),
                toy,
                Path.GetExtension(toy) == ".pth" ? CheckpointFormat.TorchZip : CheckpointFormat.Safetensors);
            // As often as it takes until the code is compiled as well as it will be, as in a session that has loaded before.
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

    // Minor and major faults of this process; 0 where there is no such file.
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

/// <summary>What a contender is.</summary>
internal enum ContenderKind
{
    Limit,
    Strategy,
    Python,
}
