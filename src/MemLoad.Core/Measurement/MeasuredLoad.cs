using System.Diagnostics;

namespace MemLoad;

/// <summary>One load in this process with a probe running: what becomes a row.</summary>
internal static class MeasuredLoad
{
    // The names the probe records, made once: nothing is allocated inside the timed region.
    private static readonly string[] PhaseNames = Enum.GetNames<PlanPhase>();

    /// <summary>Loads and measures. Whatever goes wrong becomes the row's outcome and message.</summary>
    /// <param name="request">What to load and how.</param>
    /// <param name="timelines">Takes the samples of a load that was begun, however it ended; null if nobody wants them.</param>
    /// <param name="cancellationToken">Stops the load.</param>
    public static LoadMeasurement Run(LoadRequest request, Action<LoadTimeline>? timelines, CancellationToken cancellationToken)
    {
        LoadMeasurement row = LoadMeasurer.EmptyRow(request, DateTimeOffset.Now);
        try
        {
            using var prepared = PreparedLoad.Prepare(request, cancellationToken);
            row = WithForecast(row, prepared);
            return prepared.Refusal is MemLoadException refusal ? LoadMeasurer.With(row, LoadOutcome.Refused, refusal) : Measure(row, prepared, timelines, cancellationToken);
        }
        catch (MemLoadException e)
        {
            bool memory = e.Rule == Rules.HostMemoryExhausted || e.Rule == Rules.DeviceMemoryExhausted;
            return LoadMeasurer.With(row, memory ? LoadOutcome.OutOfMemory : LoadOutcome.Failed, e);
        }
        catch (OutOfMemoryException e)
        {
            return LoadMeasurer.With(row, LoadOutcome.OutOfMemory, Rules.HostMemoryExhausted.Broken("the runtime ran out of memory", innerException: e));
        }
        catch (OperationCanceledException)
        {
            return LoadMeasurer.With(row, LoadOutcome.Canceled, Rules.Interrupted.Broken("the measurement was interrupted"));
        }
    }

    private static LoadMeasurement Measure(LoadMeasurement row, PreparedLoad prepared, Action<LoadTimeline>? timelines, CancellationToken cancellationToken)
    {
        string[] files = [.. prepared.Checkpoint.Files.Select(file => file.Path)];
        WarmUp(prepared, cancellationToken);
        switch (prepared.Request.Cache)
        {
            case CacheState.Warm:
                PageCache.Warm(files, cancellationToken);
                break;
            case CacheState.Cold:
                PageCache.Evict(files);
                break;
            default:
                break;
        }
        long? cached = PageCache.CachedBytes(files);
        IDevice device = prepared.Device;
        Func<long>? deviceBytes = device.IsHost ? null : () => device.Memory.Allocated;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        LoadedWeights weights;
        TimeSpan elapsed;
        ProbeResult measured;
        LoadPlan plan = prepared.Plan;
        var probe = MemoryProbe.Start(deviceBytes);
        try
        {
            long start = Stopwatch.GetTimestamp();
            weights = prepared.Load(
                step =>
                {
                    PlanStep next = plan.Steps[step];
                    bool unmaps = next.Kind == StepKind.Release && plan.Buffers[next.Buffer].Pool == MemoryPool.MappedFile;
                    probe.Mark(PhaseNames[(int)next.Phase], unmaps, step);
                },
                cancellationToken);
            elapsed = Stopwatch.GetElapsedTime(start);
        }
        finally
        {
            measured = probe.Stop();
            timelines?.Invoke(LoadTimeline.Of(row, plan, device, measured.Samples));
        }
        using (weights)
        {
            long microseconds = Math.Max(1, (long)elapsed.TotalMicroseconds);
            DeviceMemory memory = device.Memory;
            string[] hashes = WeightsDigest.OfTensors(weights, cancellationToken: cancellationToken);
            row = row with
            {
                Outcome = nameof(LoadOutcome.Loaded),
                PeakDeviceBytes = memory.PeakAllocated,
                PeakDeviceReservedBytes = memory.PeakReserved,
                DriverDeviceBytes = device.DriverBytes,
                DeviceErrorPermille = Permille(prepared.Forecast.Device.PeakAllocated, memory.PeakAllocated),
                PeakHostBytes = measured.PeakHostBytes,
                PeakHostFileBytes = measured.PeakHostFileBytes,
                HostErrorPermille = measured.PeakHostBytes is long peak ? Permille(prepared.Forecast.PeakHostBytes, peak) : null,
                FinalHostBytes = measured.FinalHostBytes,
                ElapsedMicroseconds = microseconds,
                // A plan that moves no bytes (Mmap to the host) has no speed.
                BytesPerSecond = prepared.Plan.Steps.Any(step => step.Kind is StepKind.Read or StepKind.Copy)
                    ? (long)((Int128)prepared.Checkpoint.Target.ModelBytes * 1_000_000 / microseconds)
                    : null,
                CachedBytesAtStart = cached,
                MajorFaults = measured.MajorFaults,
                WeightsDigest = WeightsDigest.Of(WeightsDigest.Describe(weights, hashes)),
            };
            return prepared.Difference(hashes) is MemLoadException difference ? LoadMeasurer.With(row, LoadOutcome.Failed, difference) : row;
        }
    }

    // The smallest tensor by the same strategy to the same kind of device: the code is compiled and its own memory taken before the clock starts.
    private static void WarmUp(PreparedLoad prepared, CancellationToken cancellationToken)
    {
        Checkpoint whole = prepared.Checkpoint;
        // One that is cast, if any is: that code, too.
        TensorEntry? smallest = whole.Tensors.Where(tensor => tensor.Bytes > 0)
            .MinBy(tensor => (whole.Target.CastOf(tensor.Storage) is null, whole.Storages[tensor.Storage].Length));
        if (smallest is null)
        {
            return;
        }
        Checkpoint one = CheckpointBuilder.Trim(whole.Path, whole.Format, whole.Files, whole.Storages, [smallest], whole.Metadata).CastTo(whole.Target.DType);
        using IDevice device = DeviceRegistry.Open(prepared.Device.Name);
        using LoadedWeights weights = PlanRunner.Run(LoadPlan.Create(prepared.Plan.Strategy, one, device), device, guard: prepared.Request.MapGuard, cancellationToken: cancellationToken);
    }

    private static LoadMeasurement WithForecast(LoadMeasurement row, PreparedLoad prepared)
    {
        LoadForecast forecast = prepared.ToRow();
        return row with
        {
            Path = forecast.Path,
            Format = forecast.Format,
            Size = forecast.Size,
            TensorCount = forecast.TensorCount,
            ParameterCount = forecast.ParameterCount,
            ModelBytes = forecast.ModelBytes,
            FileBytes = forecast.FileBytes,
            ManifestDigest = prepared.Manifest?.WeightsDigest,
            ForecastDeviceBytes = forecast.ForecastDeviceBytes,
            ForecastHostBytes = forecast.ForecastHostBytes,
            ForecastHostFileBytes = forecast.ForecastHostFileBytes,
            ChosenStrategy = forecast.ChosenStrategy,
            ForecastMicroseconds = forecast.ForecastMicroseconds,
            RingBytes = forecast.RingBytes,
            HostBudgetBytes = forecast.HostBudgetBytes,
            HostLimit = forecast.HostLimit,
            DeviceBudgetBytes = forecast.DeviceBudgetBytes,
            Note = forecast.Note,
        };
    }

    private static long? Permille(long forecast, long measured) =>
        measured != 0 ? (long)(((Int128)forecast - measured) * 1000 / measured) : forecast == 0 ? 0 : null;
}
