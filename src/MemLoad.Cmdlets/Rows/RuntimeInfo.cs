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
    /// <summary>Where generated checkpoints are kept.</summary>
    public required string CacheFolder { get; init; }
    /// <summary>Name of the machine.</summary>
    public required string HostName { get; init; }
}
