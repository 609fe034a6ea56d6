namespace MemLoad;

/// <summary>
/// What one stretch of work cost. Memory is counted above the idle process, as it was when the probe started, and is never negative.
/// Null means that this platform cannot say.
/// </summary>
internal sealed record ProbeResult
{
    /// <summary>
    /// Peak of anonymous and shared memory (Windows: private bytes; macOS: physical footprint). On Linux the kernel's own high-water mark
    /// counts, so that what lived between two samples is seen too.
    /// </summary>
    public long? PeakHostBytes { get; init; }

    /// <summary>
    /// Peak of resident file-backed pages: the largest sample, or the high-water mark where a mapping went between two samples. The kernel
    /// can reclaim such pages at any time.
    /// </summary>
    public long? PeakHostFileBytes { get; init; }

    /// <summary>Anonymous and shared memory still held when the probe was stopped.</summary>
    public long? FinalHostBytes { get; init; }

    /// <summary>Page faults that needed the disk.</summary>
    public long? MajorFaults { get; init; }

    /// <summary>Bytes that this process made the disk deliver; what came from the page cache is not in it.</summary>
    public long? ReadBytes { get; init; }

    /// <summary>
    /// Peak memory of the process's control group, page cache included: an absolute figure over the group's life, of all its processes,
    /// and what the container's limit is held against.
    /// </summary>
    public long? CgroupPeakBytes { get; init; }

    /// <summary>Wall time from start to stop.</summary>
    public long ElapsedMicroseconds { get; init; }

    /// <summary>The stretch over time, oldest first: the start, every 5 ms, marks, and the stop. Long stretches are thinned.</summary>
    public IReadOnlyList<MemorySample> Samples { get; init; } = [];
}
