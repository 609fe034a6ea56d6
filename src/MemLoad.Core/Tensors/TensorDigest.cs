namespace MemLoad;

/// <summary>The identity of a tensor, independent of its location and layout. Two tensors are the same if all members are equal.</summary>
/// <param name="Name">Its name in the state dict.</param>
/// <param name="DType">The element type.</param>
/// <param name="Shape">Dimensions in elements; empty for a scalar.</param>
/// <param name="Sha256">SHA-256 over the elements as contiguous little-endian row-major bytes, lowercase hex.</param>
public sealed record TensorDigest(string Name, DType DType, ImmutableArray<long> Shape, string Sha256)
{
    /// <summary>Bytes of the elements when contiguous.</summary>
    public long Bytes => DType.Layout().BytesOf(ShapeMath.ElementCount(Shape));

    /// <summary>Whether all members are equal, the dimensions one by one.</summary>
    public bool Equals(TensorDigest? other) =>
        other is not null && (Name, DType, Sha256) == (other.Name, other.DType, other.Sha256)
        && Shape.AsSpan().SequenceEqual(other.Shape.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, DType, Sha256);
}
