namespace MemLoad;

/// <summary>Whether a checkpoint is sound, and which rule it breaks if not.</summary>
public sealed record WeightVerdict
{
    /// <summary>Absolute path.</summary>
    public required string Path { get; init; }
    /// <summary>Whether it obeys every rule that its headers can show.</summary>
    public required bool IsSound { get; init; }
    /// <summary>The first rule it breaks.</summary>
    public string? RuleId { get; init; }
    /// <summary>What was found, where, and what to do.</summary>
    public string? Message { get; init; }
    /// <summary>The byte at which it was found, where one is known.</summary>
    public long? Offset { get; init; }
    /// <summary>Its format, a <see cref="CheckpointFormat"/>.</summary>
    public string? Format { get; init; }
    /// <summary>Tensors in it.</summary>
    public long? TensorCount { get; init; }
    /// <summary>M: bytes of all parameters and buffers.</summary>
    public long? ModelBytes { get; init; }
    /// <summary>Bytes of its files.</summary>
    public long? FileBytes { get; init; }
}
