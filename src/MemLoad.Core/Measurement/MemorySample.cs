namespace MemLoad;

/// <summary>What the process held at one moment of a measured stretch. Host figures are above the idle process, never negative.</summary>
/// <param name="ElapsedMicroseconds">Time since the probe started.</param>
/// <param name="HostBytes">Anonymous and shared memory, resident (Windows: private bytes; macOS: physical footprint); null where unknown.</param>
/// <param name="HostFileBytes">Resident file-backed pages; null where unknown.</param>
/// <param name="DeviceBytes">What the device said it had allocated; null without a device.</param>
/// <param name="Phase">The phase last marked before the sample; null before the first.</param>
/// <param name="Step">Index of the plan's step last marked before the sample; -1 before the first, or where there is no plan.</param>
internal readonly record struct MemorySample(long ElapsedMicroseconds, long? HostBytes, long? HostFileBytes, long? DeviceBytes, string? Phase, int Step = -1);
