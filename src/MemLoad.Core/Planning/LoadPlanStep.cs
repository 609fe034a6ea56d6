namespace MemLoad;

/// <summary>One step of a load plan, with the memory that is held after it.</summary>
public sealed record LoadPlanStep
{
    /// <summary>The strategy that wrote the plan.</summary>
    public required string Strategy { get; init; }
    /// <summary>The device of the plan.</summary>
    public required string Device { get; init; }
    /// <summary>The rank of the plan, from 0; null for a whole checkpoint.</summary>
    public long? Rank { get; init; }
    /// <summary>Number of the step, from 1.</summary>
    public required int Step { get; init; }
    /// <summary>The phase of the step, such as <c>BuildModel</c>, <c>LoadStateDict</c> or <c>CopyWeights</c>.</summary>
    public required string Phase { get; init; }
    /// <summary>The kind of the step: Allocate, Initialise, Map, Read, Copy or Release.</summary>
    public required string Kind { get; init; }
    /// <summary>The pool of the buffer that the step acts on: Host, MappedFile or Device.</summary>
    public required string Pool { get; init; }
    /// <summary>Bytes of that buffer.</summary>
    public required long Bytes { get; init; }
    /// <summary>The tensor that the step is for. If several tensors share a storage, it is the first.</summary>
    public string? Tensor { get; init; }
    /// <summary>Anonymous host memory held after the step.</summary>
    public required long HostBytes { get; init; }
    /// <summary>Bytes of mapped files that may be resident after the step.</summary>
    public required long HostFileBytes { get; init; }
    /// <summary>Allocated device memory after the step.</summary>
    public required long DeviceBytes { get; init; }
    /// <summary>Reserved device memory after the step.</summary>
    public required long DeviceReservedBytes { get; init; }
    /// <summary>Whether host memory reaches its peak with this step; true for only the first such step.</summary>
    public required bool IsHostPeak { get; init; }
    /// <summary>Whether allocated device memory reaches its peak with this step; true for only the first such step.</summary>
    public required bool IsDevicePeak { get; init; }

    /// <summary>
    /// Returns the steps of a plan in order, each with the running totals of every pool after it. The forecast of the plan has the peaks.
    /// Only the arithmetic of the device's allocator is used.
    /// </summary>
    internal static IEnumerable<LoadPlanStep> Of(PreparedLoad prepared)
    {
        LoadPlan plan = prepared.Plan;
        PlanForecast forecast = prepared.Forecast;
        var names = new Dictionary<int, string>();
        foreach (TensorEntry tensor in plan.Checkpoint.Tensors)
        {
            names.TryAdd(tensor.Storage, tensor.Name);
        }
        bool hostPeakToCome = forecast.PeakHostBytes > 0;
        bool devicePeakToCome = forecast.Device.PeakAllocated > 0;
        int i = 0;
        foreach (PlanTotals totals in PlanForecast.Walk(plan, prepared.Device.NewForecastAllocator()))
        {
            PlanStep step = plan.Steps[i++];
            PlanBuffer buffer = plan.Buffers[step.Buffer];
            bool hostPeak = hostPeakToCome && totals.HostBytes == forecast.PeakHostBytes;
            bool devicePeak = devicePeakToCome && totals.Device.Allocated == forecast.Device.PeakAllocated;
            hostPeakToCome &= !hostPeak;
            devicePeakToCome &= !devicePeak;
            yield return new LoadPlanStep
            {
                Strategy = plan.Strategy.ToString(),
                Device = prepared.Device.Name,
                Rank = prepared.Request.RankCount > 1 ? prepared.Request.Rank : null,
                Step = i,
                Phase = step.Phase.ToString(),
                Kind = step.Kind.ToString(),
                Pool = buffer.Pool.ToString(),
                Bytes = buffer.Bytes,
                Tensor = names.GetValueOrDefault(step.Storage),
                HostBytes = totals.HostBytes,
                HostFileBytes = totals.HostFileBytes,
                DeviceBytes = totals.Device.Allocated,
                DeviceReservedBytes = totals.Device.Reserved,
                IsHostPeak = hostPeak,
                IsDevicePeak = devicePeak,
            };
        }
    }
}
