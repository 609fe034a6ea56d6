namespace MemLoad;

/// <summary>What a test makes of a path.</summary>
public enum CheckpointVerdict
{
    /// <summary>It obeys every rule that was tested.</summary>
    Sound,
    /// <summary>It is a checkpoint, or is named like one, and breaks a rule.</summary>
    Unsound,
    /// <summary>Neither its name nor its content is that of a checkpoint.</summary>
    NotACheckpoint,
}

/// <summary>Whether a checkpoint is sound: one row, flat and primitive. What a deep test or a manifest adds is null where there was none.</summary>
public sealed record WeightVerdict
{
    /// <summary>Absolute path.</summary>
    public required string Path { get; init; }
    /// <summary>A <see cref="CheckpointVerdict"/>: a word, for numbers of enumerations do not survive JSON and remoting.</summary>
    public string Verdict => Kind.ToString();
    /// <summary>Whether it is a checkpoint that obeys every rule that was tested.</summary>
    public bool IsSound => Kind == CheckpointVerdict.Sound;
    /// <summary>The first rule it breaks.</summary>
    public string? RuleId { get; init; }
    /// <summary>The file at fault, where the checkpoint has several.</summary>
    public string? File { get; init; }
    /// <summary>The byte of that file at which it was found, where one is known.</summary>
    public long? Offset { get; init; }
    /// <summary>What was found and what was expected.</summary>
    public string? Finding { get; init; }
    /// <summary>What to do about it.</summary>
    public string? Remedy { get; init; }
    /// <summary>Its format, a <see cref="CheckpointFormat"/>.</summary>
    public string? Format { get; init; }
    /// <summary>Tensors in it.</summary>
    public long? TensorCount { get; init; }
    /// <summary>M: bytes of all parameters and buffers.</summary>
    public long? ModelBytes { get; init; }
    /// <summary>Bytes of its files.</summary>
    public long? FileBytes { get; init; }
    /// <summary>Records of archives whose checksum was verified.</summary>
    public long? VerifiedRecordCount { get; init; }
    /// <summary>Elements that are not a number.</summary>
    public long? NanCount { get; init; }
    /// <summary>Elements that are infinite.</summary>
    public long? InfCount { get; init; }
    /// <summary>Tensors whose bytes are all zero.</summary>
    public long? ZeroTensorCount { get; init; }
    /// <summary>Tensors of two elements or more that are all the same, and not zero.</summary>
    public long? ConstantTensorCount { get; init; }
    /// <summary>Bytes of whole zero pages (4 KiB) at the ends of the files' weights, as a truncated file has them that was filled up again.</summary>
    public long? ZeroTailBytes { get; init; }
    /// <summary>The digest of all tensors, where a manifest was given: as in the rows of loads.</summary>
    public string? WeightsDigest { get; init; }
    /// <summary>The digest that the manifest states.</summary>
    public string? ManifestDigest { get; init; }
    /// <summary>Tensors whose bytes are not the manifest's; <see cref="Finding"/> names them.</summary>
    public long? DifferingTensorCount { get; init; }
    /// <summary>What a deep test found that no format forbids: which tensors, in a sentence. Null if nothing.</summary>
    public string? Warning { get; init; }

    /// <summary>What <see cref="Verdict"/> and <see cref="IsSound"/> are made of.</summary>
    internal CheckpointVerdict Kind { get; init; } = CheckpointVerdict.Unsound;
}
