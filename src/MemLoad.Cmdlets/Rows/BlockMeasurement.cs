namespace MemLoad;

/// <summary>What a script block cost, measured in the session itself. Memory is counted above what was held when it began; null means that
/// the platform cannot say.</summary>
public sealed record BlockMeasurement
{
    /// <summary>Peak of device memory that the session's models held.</summary>
    public required long PeakDeviceBytes { get; init; }
    /// <summary>Peak of anonymous and shared host memory.</summary>
    public long? PeakHostBytes { get; init; }
    /// <summary>Peak of resident file-backed pages.</summary>
    public long? PeakHostFileBytes { get; init; }
    /// <summary>Anonymous and shared host memory still held at the end.</summary>
    public long? FinalHostBytes { get; init; }
    /// <summary>Wall time.</summary>
    public required long ElapsedMicroseconds { get; init; }
    /// <summary>Page faults that needed the disk.</summary>
    public long? MajorFaults { get; init; }
    /// <summary>Bytes that the disk delivered.</summary>
    public long? ReadBytes { get; init; }
    /// <summary>Name of the machine.</summary>
    public required string HostName { get; init; }
    /// <summary>When it started, ISO 8601 with offset.</summary>
    public required string StartedAt { get; init; }
    /// <summary>MemLoad's version.</summary>
    public required string ModuleVersion { get; init; }
}
