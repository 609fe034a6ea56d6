namespace MemLoad;

/// <summary>One device, with the machine and software that it is used with.</summary>
public sealed record RuntimeInfo
{
    /// <summary>The value for <c>-Device</c>.</summary>
    public required string Device { get; init; }
    /// <summary>Whether the device is available.</summary>
    public required bool Available { get; init; }
    /// <summary>Its description, or why it is not available.</summary>
    public required string Details { get; init; }
    /// <summary>The software that computes on it, with its version; null for MemLoad itself.</summary>
    public string? Library { get; init; }
    /// <summary>The path that this software was loaded from.</summary>
    public string? LibraryPath { get; init; }
    /// <summary>MemLoad's version.</summary>
    public required string ModuleVersion { get; init; }
    /// <summary>The .NET runtime.</summary>
    public required string DotNet { get; init; }
    /// <summary>The operating system and its architecture.</summary>
    public required string OperatingSystem { get; init; }
    /// <summary>The name of the processor, if the system reports it.</summary>
    public string? ProcessorName { get; init; }
    /// <summary>Logical processors that this process may use.</summary>
    public required int ProcessorCount { get; init; }
    /// <summary>Physical memory of the machine.</summary>
    public long? TotalMemoryBytes { get; init; }
    /// <summary>Host memory that this process can still allocate before it reaches a limit.</summary>
    public long? AvailableMemoryBytes { get; init; }
    /// <summary>The part of it that a load may use: less a reserve for the runtime and the other work of the machine.</summary>
    public long? HostBudgetBytes { get; init; }
    /// <summary>The limit that applies.</summary>
    public string? HostLimit { get; init; }
    /// <summary>The figures behind the limit.</summary>
    public string? HostLimitReason { get; init; }
    /// <summary>
    /// Bytes that can still be reserved on the device; null if only the machine limits it, or if the device is not available.
    /// </summary>
    public long? DeviceFreeBytes { get; init; }
    /// <summary>All limits on host memory, the tightest first.</summary>
    public required Headroom Headroom { get; init; }
    /// <summary>The folder of generated checkpoints.</summary>
    public required string CacheFolder { get; init; }
    /// <summary>Name of the machine.</summary>
    public required string HostName { get; init; }
}
