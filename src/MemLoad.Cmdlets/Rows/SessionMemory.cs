namespace MemLoad;

/// <summary>The memory that this session holds now, in bytes; null if the platform cannot measure it.</summary>
public sealed record SessionMemory
{
    /// <summary>Anonymous and shared memory of this process.</summary>
    public long? HostBytes { get; init; }
    /// <summary>Resident file-backed pages, which the kernel can reclaim.</summary>
    public long? HostFileBytes { get; init; }
    /// <summary>
    /// The system's high-water mark of this process since the last <c>Reset-MemoryPeak</c>. On Linux it is of the whole resident set,
    /// including file-backed pages. The <c>PeakHostBytes</c> of rows is only of anonymous and shared memory, above an idle process.
    /// </summary>
    public long? PeakResidentBytes { get; init; }
    /// <summary>Device memory of the session's models.</summary>
    public required long DeviceBytes { get; init; }
    /// <summary>Device memory that the devices of the models have reserved.</summary>
    public required long DeviceReservedBytes { get; init; }
    /// <summary>The most device memory that was held at the same time since the last <c>Reset-MemoryPeak</c>.</summary>
    public required long PeakDeviceBytes { get; init; }
    /// <summary>The number of models of this session.</summary>
    public required int ModelCount { get; init; }
    /// <summary>Name of the machine.</summary>
    public required string HostName { get; init; }
}
