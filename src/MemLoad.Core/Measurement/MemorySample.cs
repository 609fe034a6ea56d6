namespace MemLoad;

/// <summary>The memory of the process at one moment of a measurement. Host figures are above the idle process and never negative.</summary>
/// <param name="ElapsedMicroseconds">Time since the probe started.</param>
/// <param name="HostBytes">Resident anonymous and shared memory (Windows: private bytes; macOS: physical footprint); null where
/// unknown.</param>
/// <param name="HostFileBytes">Resident file-backed pages; null where unknown.</param>
/// <param name="DeviceBytes">The bytes that the device had allocated; null without a device.</param>
/// <param name="Phase">The phase that was last marked before the sample; null before the first.</param>
/// <param name="Step">Index of the plan's step that was last marked before the sample; -1 before the first, or without a plan.</param>
internal readonly record struct MemorySample(long ElapsedMicroseconds, long? HostBytes, long? HostFileBytes, long? DeviceBytes,
    string? Phase, int Step = -1);
