namespace MemLoad;

/// <summary>One tensor of a checkpoint: what it is and where its bytes lie.</summary>
public sealed record WeightInfo
{
    /// <summary>Its name in the state dict.</summary>
    public required string Name { get; init; }
    /// <summary>PyTorch's name of the element type, without <c>torch.</c>.</summary>
    public required string DType { get; init; }
    /// <summary>Dimensions in elements, such as <c>50257,768</c>; empty for a scalar.</summary>
    public required string Shape { get; init; }
    /// <summary>One stride a dimension, in elements.</summary>
    public required string Strides { get; init; }
    /// <summary>Number of elements.</summary>
    public required long ElementCount { get; init; }
    /// <summary>Bytes of the elements when contiguous.</summary>
    public required long Bytes { get; init; }
    /// <summary>Absolute path of the file that holds it.</summary>
    public required string File { get; init; }
    /// <summary>Byte offset of its first element in that file.</summary>
    public required long Offset { get; init; }
    /// <summary>Number of its storage; tensors with equal numbers share memory.</summary>
    public required int Storage { get; init; }
    /// <summary>SHA-256 over its elements, contiguous, little-endian and row-major, lowercase hex; null unless asked for.</summary>
    public string? Sha256 { get; init; }
    /// <summary>Absolute path of the checkpoint.</summary>
    public required string Path { get; init; }
    /// <summary>Its format, a <see cref="CheckpointFormat"/>.</summary>
    public required string Format { get; init; }
}
