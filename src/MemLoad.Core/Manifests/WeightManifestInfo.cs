namespace MemLoad;

/// <summary>A manifest that was written, as one flat row of primitive values.</summary>
public sealed record WeightManifestInfo
{
    /// <summary>Absolute path of the checkpoint.</summary>
    public required string Path { get; init; }
    /// <summary>Absolute path of its manifest.</summary>
    public required string Manifest { get; init; }
    /// <summary>The format of the checkpoint, a <see cref="CheckpointFormat"/>.</summary>
    public required string Format { get; init; }
    /// <summary>The number of tensors.</summary>
    public required long TensorCount { get; init; }
    /// <summary>M: bytes of all parameters and buffers.</summary>
    public required long ModelBytes { get; init; }
    /// <summary>The digest of all tensors, as in the rows of loads.</summary>
    public required string WeightsDigest { get; init; }
    /// <summary>MemLoad's version.</summary>
    public required string ModuleVersion { get; init; }
}
