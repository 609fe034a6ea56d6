namespace MemLoad;

/// <summary>The pools after one step of a plan, in bytes.</summary>
/// <param name="HostBytes">Anonymous host memory held.</param>
/// <param name="HostFileBytes">Bytes of mapped files that may be resident.</param>
/// <param name="MappedBytes">Address space that mapped files take: their whole length.</param>
/// <param name="Device">The device's allocator.</param>
internal readonly record struct PlanTotals(long HostBytes, long HostFileBytes, long MappedBytes, DeviceMemory Device);

/// <summary>A plan's first reader: adds up what its steps will hold, without touching a byte.</summary>
/// <param name="PeakHostBytes">Most anonymous host memory held at once.</param>
/// <param name="PeakHostFileBytes">Most of mapped files that may be resident at once: a ceiling, since pages never touched cost nothing.</param>
/// <param name="PeakAddressBytes">Most address space held at once: anonymous memory and the whole length of mapped files.</param>
/// <param name="PeakHostAndDeviceBytes">Most anonymous host memory and reserved device memory held at once.</param>
/// <param name="FinalHostBytes">Anonymous host memory held at the end.</param>
/// <param name="Device">What the device's allocator holds at the end and held at most; all zero on the host.</param>
internal sealed record PlanForecast(
    long PeakHostBytes, long PeakHostFileBytes, long PeakAddressBytes, long PeakHostAndDeviceBytes, long FinalHostBytes, DeviceMemory Device)
{
    /// <summary>Adds a plan up.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="device">The device it is for; asked for the arithmetic of its allocator only.</param>
    public static PlanForecast Of(LoadPlan plan, IDevice device)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(device);
        using var tally = new PlanTally(plan.Checkpoint, device.NewForecastAllocator());
        plan.ReadBy(tally);
        return tally.Forecast;
    }

    /// <summary>The running totals, one after each step.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="allocator">Counts as the device does; null on the host. A fresh one, which is used up; with a capacity it throws where that is exceeded.</param>
    public static IEnumerable<PlanTotals> Walk(LoadPlan plan, CachingAllocator? allocator)
    {
        ArgumentNullException.ThrowIfNull(plan);
        using var tally = new PlanTally(plan.Checkpoint, allocator);
        foreach (PlanStep step in plan.Steps)
        {
            tally.Read(step, plan.Buffers[step.Buffer], default);
            yield return tally.Totals;
        }
    }
}
