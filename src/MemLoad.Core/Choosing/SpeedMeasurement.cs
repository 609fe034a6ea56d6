using System.Diagnostics;

namespace MemLoad;

/// <summary>
/// Measures the figures of <see cref="MachineSpeed"/>: the runner executes small plans with every kind of work over a scratch file. It
/// takes about a second, and uses at most a sixth of the given memory.
/// </summary>
internal sealed class SpeedMeasurement : IDisposable
{
    private const long MostBytes = 64L << 20;
    private const long LeastBytes = 4L << 20;
    private const int LargeStorages = 8;
    private const int SmallStorages = 512;
    private const int SmallBytes = 4096;
    private const int BudgetParts = 6;
    private const int Repetitions = 3;

    // The plans that are usually fastest and short: their best times must be accurate.
    private const int FinalistRepetitions = 8;

    private readonly Dictionary<string, double> _nanoseconds = new(StringComparer.Ordinal);
    private readonly string _device;
    private readonly Checkpoint _large;
    private readonly Checkpoint _small;
    private readonly CancellationToken _cancellationToken;
    private readonly PlanRecord _record = new(LargeStorages);

    private SpeedMeasurement(string device, string scratch, long bytes, CancellationToken cancellationToken)
    {
        _device = device;
        _large = Cut(scratch, bytes, bytes / LargeStorages, LargeStorages);
        _small = Cut(scratch, bytes, SmallBytes, SmallStorages);
        _cancellationToken = cancellationToken;
    }

    /// <summary>Measures the speed of this machine with a device and a part of the host memory of the budget; null for no limit.</summary>
    public static MachineSpeed Run(string device, long? budgetBytes, CancellationToken cancellationToken)
    {
        long bytes = Math.Clamp((budgetBytes ?? long.MaxValue) / BudgetParts, LeastBytes, MostBytes) / LeastBytes * LeastBytes;
        string scratch = WriteScratch(bytes);
        try
        {
            using var measurement = new SpeedMeasurement(device, scratch, bytes, cancellationToken);
            for (int i = 0; i < Repetitions; i++)
            {
                measurement.MeasureOnce();
            }
            for (int i = 0; i < FinalistRepetitions; i++)
            {
                measurement.MeasureFinalists();
            }
            measurement.MeasureCold(scratch);
            return MachineSpeed.Now(device, measurement._nanoseconds);
        }
        finally
        {
            TemporaryNames.TryDelete(scratch); // the file and its folder may not exist any more
        }
    }

    public void Dispose() => _record.Dispose();

    private void MeasureOnce()
    {
        OnHost();
        Steps();
        using IDevice device = DeviceRegistry.Open(_device);
        if (!device.IsHost)
        {
            OnDevice();
        }
    }

    private void MeasureFinalists()
    {
        using IDevice device = DeviceRegistry.Open(_device);
        if (!device.IsHost)
        {
            Mapped(Work.CopyMapped);
            foreach (long ring in StagingRing.Sizes)
            {
                ThroughRing(ring, MachineSpeed.Key(Work.ReadThroughRing, ring));
            }
        }
    }

    // The read is measured only once, because the cache of the disk would serve a second read.
    private void MeasureCold(string scratch)
    {
        if (!LinuxPageCache.IsSupported)
        {
            return;
        }
        using IDevice device = DeviceRegistry.Open(_device);
        PageCache.Evict([scratch]);
        ReadInPlace(Work.ReadInPlaceCold);
        if (!device.IsHost)
        {
            PageCache.Evict([scratch]);
            ThroughRing(StagingRing.DefaultBytes, MachineSpeed.Key(Work.ReadThroughRingCold));
            PageCache.Evict([scratch]);
            Mapped(Work.CopyMappedCold);
        }
    }

    private void OnHost()
    {
        PlanWriter plan = NewPlan(out IDevice device);
        plan.Phase = PlanPhase.LoadStateDict;
        int[] first = plan.AllocateEach(MemoryPool.Host);
        plan.ReadEach(plan.Storages, first);
        plan.Phase = PlanPhase.ToEmpty;
        int[] second = plan.AllocateEach(MemoryPool.Host);
        CopyEach(plan, PlanPhase.CopyWeights, first, second);
        CopyEach(plan, PlanPhase.Fill, first, second);
        plan.Phase = PlanPhase.Release;
        ForEach(plan, storage => plan.Release(second[storage]));
        // One repetition is enough: the read is slow, and its speed does not depend on the place of the target.
        plan.Phase = PlanPhase.BuildModel;
        plan.Initialise(plan.Allocate(MemoryPool.Host, 0), 0);
        Run(plan, device,
            (PlanPhase.LoadStateDict, MachineSpeed.Key(Work.ReadInPlace), _large.ModelBytes),
            (PlanPhase.CopyWeights, MachineSpeed.Key(Work.CopyOnHostFresh), _large.ModelBytes),
            (PlanPhase.Fill, MachineSpeed.Key(Work.CopyOnHost), _large.ModelBytes),
            (PlanPhase.Release, MachineSpeed.Key(Work.Release), _large.ModelBytes),
            (PlanPhase.BuildModel, MachineSpeed.Key(Work.Initialise), _large.Storages[0].Length));
    }

    private void OnDevice()
    {
        PlanWriter plan = NewPlan(out IDevice device);
        plan.Phase = PlanPhase.LoadStateDict;
        int[] host = plan.AllocateEach(MemoryPool.Host);
        plan.ReadEach(plan.Storages, host);
        int[] first = plan.AllocateEach(MemoryPool.Device);
        int[] second = plan.AllocateEach(MemoryPool.Device);
        CopyEach(plan, PlanPhase.MoveModel, host, first);
        CopyEach(plan, PlanPhase.ToEmpty, host, first);
        CopyEach(plan, PlanPhase.CopyWeights, first, second);
        CopyEach(plan, PlanPhase.Fill, first, second);
        Run(plan, device,
            (PlanPhase.MoveModel, MachineSpeed.Key(Work.CopyToDeviceFresh), _large.ModelBytes),
            (PlanPhase.ToEmpty, MachineSpeed.Key(Work.CopyToDevice), _large.ModelBytes),
            (PlanPhase.CopyWeights, MachineSpeed.Key(Work.CopyOnDeviceFresh), _large.ModelBytes),
            (PlanPhase.Fill, MachineSpeed.Key(Work.CopyOnDevice), _large.ModelBytes));
    }

    private void ReadInPlace(Work work)
    {
        PlanWriter plan = NewPlan(out IDevice device);
        plan.Phase = PlanPhase.Fill;
        int[] host = plan.AllocateEach(MemoryPool.Host);
        plan.ReadEach(plan.Storages, host);
        Run(plan, device, (PlanPhase.Fill, MachineSpeed.Key(work), _large.ModelBytes));
    }

    private void ThroughRing(long ringBytes, string key)
    {
        PlanWriter plan = NewPlan(out IDevice device, ringBytes);
        plan.Phase = PlanPhase.ToEmpty;
        int[] target = plan.AllocateEach(MemoryPool.Device);
        plan.Phase = PlanPhase.Fill;
        int ring = plan.AllocateRing(plan.Storages);
        plan.ReadEach(plan.Storages, target, ring);
        Run(plan, device, (PlanPhase.Fill, key, _large.ModelBytes));
    }

    private void Mapped(Work work)
    {
        PlanWriter plan = NewPlan(out IDevice device);
        plan.Phase = PlanPhase.Fill;
        int file = plan.Map(0);
        int[] target = plan.AllocateEach(MemoryPool.Device);
        ForEach(plan, storage => plan.Copy(storage, file, target[storage]));
        // The cost of unmapping also grows with the number of pages.
        plan.Release(file);
        Run(plan, device, (PlanPhase.Fill, MachineSpeed.Key(work), _large.ModelBytes));
    }

    private void Steps()
    {
        using IDevice device = DeviceRegistry.Open(_device);
        var plan = LoadPlan.Create(Strategy.PerTensor, _small, device);
        long start = Stopwatch.GetTimestamp();
        using LoadedWeights weights = PlanRunner.Run(plan, device, guard: MapGuard.None, cancellationToken: _cancellationToken);
        Keep(MachineSpeed.Key(Work.Step), Stopwatch.GetElapsedTime(start), plan.Steps.Length);
    }

    private PlanWriter NewPlan(out IDevice device, long ringBytes = StagingRing.DefaultBytes)
    {
        device = DeviceRegistry.Open(_device);
        _record.Dispose();
        return new PlanWriter(_large, device.IsHost, ringBytes, [_record]);
    }

    private static void CopyEach(PlanWriter plan, PlanPhase phase, int[] from, int[] to)
    {
        plan.Phase = phase;
        ForEach(plan, storage => plan.Copy(storage, from[storage], to[storage]));
    }

    private static void ForEach(PlanWriter plan, Action<int> write)
    {
        foreach (int storage in plan.Storages)
        {
            write(storage);
        }
    }

    // Executes a plan, and adds the time of each phase to the work that it measures.
    private void Run(PlanWriter plan, IDevice device, params ReadOnlySpan<(PlanPhase Phase, string Key, long Bytes)> timed)
    {
        using (plan)
        using (device)
        {
            var phases = new Dictionary<PlanPhase, TimeSpan>();
            PlanPhase? current = null;
            long since = 0;
            LoadPlan written = plan.Finish(Strategy.Stream, _record);
            using (PlanRunner.Run(written, device, step => Enter(written.Steps[step].Phase), MapGuard.None, _cancellationToken))
            {
                Enter(null);
            }
            foreach ((PlanPhase phase, string key, long bytes) in timed)
            {
                Keep(key, phases[phase], bytes);
            }

            void Enter(PlanPhase? phase)
            {
                if (phase == current)
                {
                    return;
                }
                long now = Stopwatch.GetTimestamp();
                if (current is PlanPhase ended)
                {
                    phases[ended] = phases.GetValueOrDefault(ended) + Stopwatch.GetElapsedTime(since, now);
                }
                (current, since) = (phase, now);
            }
        }
    }

    // The best of all repetitions: other work of the machine makes a repetition slower, never faster.
    private void Keep(string key, TimeSpan time, long units)
    {
        double each = time.TotalNanoseconds / units;
        _nanoseconds[key] = _nanoseconds.TryGetValue(key, out double best) ? Math.Min(best, each) : each;
    }

    private static Checkpoint Cut(string scratch, long fileBytes, long storageBytes, int count)
    {
        var builder = new CheckpointBuilder(scratch, CheckpointFormat.Safetensors);
        int file = builder.AddFile(scratch, fileBytes);
        for (int i = 0; i < count; i++)
        {
            int storage = builder.AddStorage(file, i * storageBytes, storageBytes);
            builder.AddTensor(
                TensorEntry.OfStorage(storage, storageBytes) with
                {
                    Name = FormattableString.Invariant($"weight{i}"),
                    Shape = [storageBytes / sizeof(float)],
                    DType = DType.Float32,
                });
        }
        return builder.Build();
    }

    // The scratch file is in the cache folder. If that cannot be written, it is in the folder for temporary files.
    private static string WriteScratch(long bytes)
    {
        FileSizeLimit.IsError();
        try
        {
            string folder = CacheFolder.Path;
            Directory.CreateDirectory(folder);
            RemoveLeftOvers(folder);
            return Fill(folder, bytes);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e) || e is MemLoadException)
        {
            return Fill(Path.GetTempPath(), bytes);
        }
    }

    // A measurement that was killed could not delete its scratch file.
    private static void RemoveLeftOvers(string folder)
    {
        foreach (string path in Directory.EnumerateFiles(folder, "speed-*.scratch"))
        {
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > TimeSpan.FromHours(1))
            {
                File.Delete(path);
            }
        }
    }

    private static string Fill(string folder, long bytes)
    {
        string name = $"speed-{Environment.ProcessId}-{Environment.TickCount64}.scratch";
        string path = WriteTarget.ForFile(Path.Combine(folder, name), overwrite: false);
        using FileStream file = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        byte[] piece = new byte[1 << 20];
        new Random(0).NextBytes(piece);
        try
        {
            for (long done = 0; done < bytes; done += piece.Length)
            {
                file.Write(piece);
            }
            return path;
        }
        catch
        {
            file.Dispose(); // Windows does not delete an open file
            TemporaryNames.TryDelete(path); // a full disk must not stay full
            throw;
        }
    }
}
