namespace MemLoad;

/// <summary>The pools after one step of a plan, in bytes.</summary>
/// <param name="HostBytes">Anonymous host memory held.</param>
/// <param name="HostFileBytes">Bytes of mapped files that may be resident.</param>
/// <param name="Device">The state of the device's allocator.</param>
internal readonly record struct PlanTotals(long HostBytes, long HostFileBytes, DeviceMemory Device);

/// <summary>The first reader of a plan: adds up the memory that its steps hold, and touches no memory.</summary>
/// <param name="PeakHostBytes">The most anonymous host memory that is held at the same time.</param>
/// <param name="PeakHostFileBytes">The most bytes of mapped files that may be resident at the same time. It is an upper bound, because
/// pages that are never touched use no memory.</param>
/// <param name="PeakAddressBytes">The most address space that is held at the same time: anonymous memory and the whole length of mapped
/// files.</param>
/// <param name="PeakHostAndDeviceBytes">The most anonymous host memory and reserved device memory that is held at the same time.</param>
/// <param name="FinalHostBytes">Anonymous host memory held at the end.</param>
/// <param name="Device">What the device's allocator holds at the end, and at its peak; all zero on the host.</param>
internal sealed record PlanForecast(
    long PeakHostBytes, long PeakHostFileBytes, long PeakAddressBytes, long PeakHostAndDeviceBytes, long FinalHostBytes,
        DeviceMemory Device)
{
    /// <summary>Returns the running totals of a plan, one after each step, with an allocator as for <see cref="PlanTally"/>.</summary>
    public static IEnumerable<PlanTotals> Walk(LoadPlan plan, CachingAllocator? allocator)
    {
        using var tally = new PlanTally(plan.Checkpoint, allocator);
        foreach (PlanStep step in plan.Steps)
        {
            tally.Read(step, plan.Buffers[step.Buffer], default);
            yield return tally.Totals;
        }
    }
}
