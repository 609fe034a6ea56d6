namespace MemLoad;

/// <summary>One device, and the machine and software it would be used with.</summary>
public sealed record RuntimeInfo
{
    /// <summary>What to pass as <c>-Device</c>.</summary>
    public required string Device { get; init; }
    /// <summary>Whether it can be used.</summary>
    public required bool Available { get; init; }
    /// <summary>What it is, or why it cannot be used.</summary>
    public required string Details { get; init; }
    /// <summary>What computes there, with its version; null for MemLoad itself.</summary>
    public string? Library { get; init; }
    /// <summary>Where that was loaded from.</summary>
    public string? LibraryPath { get; init; }
    /// <summary>MemLoad's version.</summary>
    public required string ModuleVersion { get; init; }
    /// <summary>The .NET runtime.</summary>
    public required string DotNet { get; init; }
    /// <summary>The operating system and its architecture.</summary>
    public required string OperatingSystem { get; init; }
    /// <summary>The processor's name, where the system says it.</summary>
    public string? ProcessorName { get; init; }
    /// <summary>Logical processors this process may use.</summary>
    public required int ProcessorCount { get; init; }
    /// <summary>Physical memory of the machine.</summary>
    public long? TotalMemoryBytes { get; init; }
    /// <summary>Host memory that this process can still take before it reaches a limit.</summary>
    public long? AvailableMemoryBytes { get; init; }
    /// <summary>What a load may take of it: less a reserve for the runtime and the machine's other work.</summary>
    public long? HostBudgetBytes { get; init; }
    /// <summary>The limit that binds.</summary>
    public string? HostLimit { get; init; }
    /// <summary>Why, in figures.</summary>
    public string? HostLimitReason { get; init; }
    /// <summary>What can still be reserved on the device; null where nothing but the machine limits it, or the device is not here.</summary>
    public long? DeviceFreeBytes { get; init; }
    /// <summary>All limits on host memory, the tightest first.</summary>
    public required Headroom Headroom { get; init; }
    /// <summary>Where generated checkpoints are kept.</summary>
    public required string CacheFolder { get; init; }
    /// <summary>Name of the machine.</summary>
    public required string HostName { get; init; }
}
