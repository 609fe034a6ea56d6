namespace MemLoad;

/// <summary>
/// The measured cost of a script block in this session. Memory is counted above the memory that was held at its start. Null means that the
/// platform cannot measure the value.
/// </summary>
public sealed record BlockMeasurement
{
    /// <summary>Peak of device memory of the session's models.</summary>
    public required long PeakDeviceBytes { get; init; }
    /// <summary>Peak of anonymous and shared host memory.</summary>
    public long? PeakHostBytes { get; init; }
    /// <summary>Peak of resident file-backed pages.</summary>
    public long? PeakHostFileBytes { get; init; }
    /// <summary>Anonymous and shared host memory that is still held at the end.</summary>
    public long? FinalHostBytes { get; init; }
    /// <summary>Wall time.</summary>
    public required long ElapsedMicroseconds { get; init; }
    /// <summary>Page faults that needed the disk (major faults).</summary>
    public long? MajorFaults { get; init; }
    /// <summary>Bytes that were read from the disk.</summary>
    public long? ReadBytes { get; init; }
    /// <summary>Name of the machine.</summary>
    public required string HostName { get; init; }
    /// <summary>When it started, to the millisecond.</summary>
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>MemLoad's version.</summary>
    public required string ModuleVersion { get; init; }
}
