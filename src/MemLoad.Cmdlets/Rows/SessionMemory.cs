namespace MemLoad;

/// <summary>What this session holds right now, in bytes; null where the platform cannot say.</summary>
public sealed record SessionMemory
{
    /// <summary>Anonymous and shared memory of this process.</summary>
    public long? HostBytes { get; init; }
    /// <summary>Resident file-backed pages, which the kernel can reclaim.</summary>
    public long? HostFileBytes { get; init; }
    /// <summary>The system's high-water mark of this process since the last <c>Reset-MemoryPeak</c>: on Linux of the whole resident set, file-backed
    /// pages included. The <c>PeakHostBytes</c> of rows is of anonymous and shared memory alone, above an idle process.</summary>
    public long? PeakResidentBytes { get; init; }
    /// <summary>Device memory that the session's models hold.</summary>
    public required long DeviceBytes { get; init; }
    /// <summary>Device memory that their devices have reserved.</summary>
    public required long DeviceReservedBytes { get; init; }
    /// <summary>Most device memory held at once since the last <c>Reset-MemoryPeak</c>.</summary>
    public required long PeakDeviceBytes { get; init; }
    /// <summary>Models of this session.</summary>
    public required int ModelCount { get; init; }
    /// <summary>Name of the machine.</summary>
    public required string HostName { get; init; }
}
