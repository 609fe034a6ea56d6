namespace MemLoad;

/// <summary>
/// The cost of some work. Memory is counted above the idle process at the start of the probe, and is never negative. Null means that this
/// platform cannot measure the value.
/// </summary>
internal sealed record ProbeResult
{
    /// <summary>
    /// Peak of anonymous and shared memory (Windows: private bytes; macOS: physical footprint). On Linux it comes from the kernel's
    /// high-water mark, so that memory between two samples also counts.
    /// </summary>
    public long? PeakHostBytes { get; init; }

    /// <summary>
    /// Peak of resident file-backed pages: the largest sample, or the high-water mark if a mapping was removed between two samples. The
    /// kernel can reclaim such pages at any time.
    /// </summary>
    public long? PeakHostFileBytes { get; init; }

    /// <summary>Anonymous and shared memory that is still held when the probe is stopped.</summary>
    public long? FinalHostBytes { get; init; }

    /// <summary>Page faults that needed the disk (major faults).</summary>
    public long? MajorFaults { get; init; }

    /// <summary>Bytes that this process caused to be read from the disk, without those from the page cache.</summary>
    public long? ReadBytes { get; init; }

    /// <summary>Wall time from start to stop.</summary>
    public long ElapsedMicroseconds { get; init; }

    /// <summary>The samples, oldest first: the start, every 5 ms, marks, and the stop. Samples of long measurements are thinned.</summary>
    public IReadOnlyList<MemorySample> Samples { get; init; } = [];
}
