namespace MemLoad;

/// <summary>One step of a load plan, with what is held after it.</summary>
public sealed record LoadPlanStep
{
    /// <summary>The strategy that planned it.</summary>
    public required string Strategy { get; init; }
    /// <summary>Number of the step, from 1.</summary>
    public required int Step { get; init; }
    /// <summary>What it is part of, a <see cref="PlanPhase"/>.</summary>
    public required string Phase { get; init; }
    /// <summary>What it does, a <see cref="StepKind"/>.</summary>
    public required string Kind { get; init; }
    /// <summary>Where the buffer lies that it acts on, a <see cref="MemoryPool"/>.</summary>
    public required string Pool { get; init; }
    /// <summary>Bytes of that buffer.</summary>
    public required long Bytes { get; init; }
    /// <summary>The tensor concerned; of several that share a storage, the first.</summary>
    public string? Tensor { get; init; }
    /// <summary>Anonymous host memory held after the step.</summary>
    public required long HostBytes { get; init; }
    /// <summary>Bytes of mapped files that may be resident after the step.</summary>
    public required long HostFileBytes { get; init; }
    /// <summary>Allocated device memory after the step.</summary>
    public required long DeviceBytes { get; init; }
    /// <summary>Reserved device memory after the step.</summary>
    public required long DeviceReservedBytes { get; init; }
}
