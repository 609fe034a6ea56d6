using System.Collections.Immutable;

namespace MemLoad;

/// <summary>A tensor in memory that the host can read: contiguous, row-major, little-endian. The creator owns the memory.</summary>
/// <param name="DType">The element type.</param>
/// <param name="Shape">Dimensions in elements; empty for a scalar.</param>
/// <param name="Address">Address of the first element in this process. It may be unaligned.</param>
public readonly record struct HostTensor(DType DType, ImmutableArray<long> Shape, nint Address)
{
    /// <summary>Number of elements; 1 for a scalar, 0 if any dimension is 0.</summary>
    public long ElementCount => ShapeMath.ElementCount(Shape);

    /// <summary>Bytes of the elements.</summary>
    public long Bytes => checked(ElementCount * DType.ElementSize());
}
