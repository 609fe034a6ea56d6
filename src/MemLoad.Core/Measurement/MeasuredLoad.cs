using System.Diagnostics;

namespace MemLoad;

/// <summary>One measured load in this process, which becomes a row. Memory that the process already holds can blur the figures.</summary>
public static class MeasuredLoad
{
    // The names that the probe records. They are created once, because nothing is allocated inside the measured region.
    private static readonly string[] PhaseNames = Enum.GetNames<PlanPhase>();

    /// <summary>Loads and measures. A failure becomes the outcome and the message of the row.</summary>
    /// <param name="request">The load and how it is measured.</param>
    /// <param name="timelines">Receives the samples of a load that began, even if it failed; null if they are not needed.</param>
    /// <param name="cancellationToken">Cancels the load.</param>
    public static LoadMeasurement Run(
        MeasureRequest request, Action<LoadTimeline>? timelines = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Run(request, timelines, null, cancellationToken).Judged(request.WarnAbove, request.FailAbove);
    }

    /// <summary>
    /// Loads and measures. The row has no status yet, which the parent process gives it. <paramref name="ready"/> is called right before
    /// the load, which begins when it returns.
    /// </summary>
    internal static LoadMeasurement Run(
        MeasureRequest request, Action<LoadTimeline>? timelines, Action? ready, CancellationToken cancellationToken)
    {
        var row = LoadMeasurement.Begun(request);
        try
        {
            using var prepared = PreparedLoad.Prepare(request.Load, cancellationToken);
            DeviceIdentity? card = prepared.Device.Identity;
            row = row with
            {
                Forecast = prepared.ToRow(),
                ManifestDigest = prepared.Manifest?.WeightsDigest,
                DeviceName = card?.Product,
                DeviceUuid = card?.Uuid,
                DriverVersion = card?.DriverVersion,
            };
            return prepared.Refusal is MemLoadException refusal ? row.Ended(LoadOutcome.Refused, refusal)
                : Measure(row, prepared, request.Cache, timelines, ready, cancellationToken);
        }
        catch (MemLoadException e)
        {
            bool memory = e.Rule == Rules.HostMemoryExhausted || e.Rule == Rules.DeviceMemoryExhausted;
            return row.Ended(memory ? LoadOutcome.OutOfMemory : LoadOutcome.Failed, e);
        }
        catch (OutOfMemoryException e)
        {
            return row.Ended(LoadOutcome.OutOfMemory, Rules.HostMemoryExhausted.Broken("the runtime ran out of memory", innerException: e));
        }
        catch (OperationCanceledException)
        {
            return row.Ended(LoadOutcome.Canceled, Rules.Interrupted.Broken("the measurement was interrupted"));
        }
    }

    private static LoadMeasurement Measure(LoadMeasurement row, PreparedLoad prepared, CacheState cache, Action<LoadTimeline>? timelines,
        Action? ready, CancellationToken cancellationToken)
    {
        WarmUp(prepared, cancellationToken);
        PageCache.Prepare(cache, prepared.OpenedFiles(), cancellationToken);
        long? cached = PageCache.CachedBytes(prepared.OpenedFiles());
        IDevice device = prepared.Device;
        Func<long>? deviceBytes = device.IsHost ? null : () => device.Memory.Allocated;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        ready?.Invoke();

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
                PeakCardBytes = device.PeakCardBytes,
                Forecast = row.Forecast! with { Note = Joined(row.Note, device.Remark) },
                DeviceErrorPermille = Permille(prepared.Forecast.Device.PeakAllocated, memory.PeakAllocated),
                PeakHostBytes = measured.PeakHostBytes,
                PeakHostFileBytes = measured.PeakHostFileBytes,
                HostErrorPermille = measured.PeakHostBytes is long peak ? Permille(prepared.Forecast.PeakHostBytes, peak) : null,
                FinalHostBytes = measured.FinalHostBytes,
                ElapsedMicroseconds = microseconds,
                // A plan that moves no bytes (Mmap on the host) has no speed.
                BytesPerSecond = prepared.Plan.Steps.Any(step => step.Kind is StepKind.Read or StepKind.Copy)
                    ? (long)((Int128)prepared.View.ModelBytes * 1_000_000 / microseconds)
                    : null,
                CachedBytesAtStart = cached,
                MajorFaults = measured.MajorFaults,
                WeightsDigest = WeightsDigest.Of(WeightsDigest.Describe(weights, hashes)),
            };
            return prepared.Difference(hashes) is MemLoadException difference ? row.Ended(LoadOutcome.Failed, difference) : row;
        }
    }

    // Loads the smallest tensor with the same strategy to a device of the same kind. The code is then compiled, and its own memory
    // allocated, before the timing starts.
    private static void WarmUp(PreparedLoad prepared, CancellationToken cancellationToken)
    {
        Checkpoint whole = prepared.Checkpoint;
        // A tensor that is cast, if any is, so that the code for casts is compiled, too.
        TensorEntry? smallest = whole.Tensors.Where(tensor => tensor.Bytes > 0)
            .MinBy(tensor => (prepared.View.CastOf(tensor.Storage) is null, whole.Storages[tensor.Storage].Length));
        if (smallest is null)
        {
            return;
        }
        var one = LoadView.Of(CheckpointBuilder.Trim(whole.Path, whole.Format, whole.Files, whole.Storages, [smallest], whole.Metadata),
            prepared.View.DType);
        using IDevice device = DeviceRegistry.Open(prepared.Device.Name);
        using LoadedWeights weights =
            PlanRunner.Run(LoadPlan.Create(prepared.Plan.Strategy, one, device), device, guard: prepared.Request.MapGuard,
                cancellationToken: cancellationToken);
    }

    private static string? Joined(string? note, string? remark) => note is null || remark is null ? note ?? remark : $"{note}; {remark}";

    private static long? Permille(long forecast, long measured) =>
        measured != 0 ? (long)(((Int128)forecast - measured) * 1000 / measured) : forecast == 0 ? 0 : null;
}
