namespace MemLoad;

/// <summary>A manifest that was written: one row, flat and primitive.</summary>
public sealed record WeightManifestInfo
{
    /// <summary>Absolute path of the checkpoint.</summary>
    public required string Path { get; init; }
    /// <summary>Absolute path of its manifest.</summary>
    public required string Manifest { get; init; }
    /// <summary>The checkpoint's format, a <see cref="CheckpointFormat"/>.</summary>
    public required string Format { get; init; }
    /// <summary>Tensors in it.</summary>
    public required long TensorCount { get; init; }
    /// <summary>M: bytes of all parameters and buffers.</summary>
    public required long ModelBytes { get; init; }
    /// <summary>The digest of all tensors, as in the rows of loads.</summary>
    public required string WeightsDigest { get; init; }
    /// <summary>MemLoad's version.</summary>
    public required string ModuleVersion { get; init; }
}
