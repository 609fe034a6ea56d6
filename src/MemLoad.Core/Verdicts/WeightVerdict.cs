namespace MemLoad;

/// <summary>The verdict of a test.</summary>
public enum CheckpointVerdict
{
    /// <summary>The checkpoint follows every tested rule.</summary>
    Sound,
    /// <summary>The path is a checkpoint, or has the name of one, and breaks a rule.</summary>
    Unsound,
    /// <summary>The path has neither the name nor the content of a checkpoint.</summary>
    NotACheckpoint,
}

/// <summary>
/// Whether a checkpoint is sound, as one flat row of primitive values. Values of a deep test or a manifest are null without one.
/// </summary>
public sealed record WeightVerdict
{
    /// <summary>Absolute path.</summary>
    public required string Path { get; init; }
    /// <summary>A <see cref="CheckpointVerdict"/> as text, because enumeration values do not survive JSON and remoting.</summary>
    public string Verdict => Kind.ToString();
    /// <summary>Whether it is a checkpoint that follows every tested rule.</summary>
    public bool IsSound => Kind == CheckpointVerdict.Sound;
    /// <summary>The first broken rule.</summary>
    public string? RuleId { get; init; }
    /// <summary>The file with the error, if the checkpoint has several files.</summary>
    public string? File { get; init; }
    /// <summary>The byte position of the error in that file, if it is known.</summary>
    public long? Offset { get; init; }
    /// <summary>The finding and the expected value.</summary>
    public string? Finding { get; init; }
    /// <summary>The remedy.</summary>
    public string? Remedy { get; init; }
    /// <summary>Its format, a <see cref="CheckpointFormat"/>.</summary>
    public string? Format { get; init; }
    /// <summary>The number of tensors.</summary>
    public long? TensorCount { get; init; }
    /// <summary>M: bytes of all parameters and buffers.</summary>
    public long? ModelBytes { get; init; }
    /// <summary>Bytes of its files.</summary>
    public long? FileBytes { get; init; }
    /// <summary>
    /// Objects other than tensors that were left out, because only code can read them. <see cref="Warning"/> names them. Null if they were
    /// not allowed.
    /// </summary>
    public long? OpaqueObjects { get; init; }
    /// <summary>Records of archives whose checksum was verified.</summary>
    public long? VerifiedRecordCount { get; init; }
    /// <summary>
    /// Files whose content was compared with the hash of their publisher, which the cache of the Hugging Face hub or of Ollama states.
    /// </summary>
    public long? VerifiedFileCount { get; init; }
    /// <summary>Elements that are not a number.</summary>
    public long? NanCount { get; init; }
    /// <summary>Elements that are infinite.</summary>
    public long? InfCount { get; init; }
    /// <summary>Tensors whose bytes are all zero.</summary>
    public long? ZeroTensorCount { get; init; }
    /// <summary>Tensors of two or more elements with one value other than zero.</summary>
    public long? ConstantTensorCount { get; init; }
    /// <summary>Bytes of whole zero pages (4 KiB) at the end of the weights in the files, as in a truncated file that was filled.</summary>
    public long? ZeroTailBytes { get; init; }
    /// <summary>The digest of all tensors if a manifest was given, as in the rows of loads.</summary>
    public string? WeightsDigest { get; init; }
    /// <summary>The digest in the manifest.</summary>
    public string? ManifestDigest { get; init; }
    /// <summary>Tensors whose bytes differ from the manifest. <see cref="Finding"/> names them.</summary>
    public long? DifferingTensorCount { get; init; }
    /// <summary>
    /// The findings that no rule forbids, with semicolons between them: those of opening (<see cref="Checkpoint.Findings"/>), and of a deep
    /// test with the tensors. Null without findings.
    /// </summary>
    public string? Warning { get; init; }

    /// <summary>The value of <see cref="Verdict"/> and <see cref="IsSound"/>.</summary>
    internal CheckpointVerdict Kind { get; init; } = CheckpointVerdict.Unsound;
}
