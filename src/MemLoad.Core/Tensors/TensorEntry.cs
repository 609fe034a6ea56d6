using System.Collections.Immutable;

namespace MemLoad;

/// <summary>A lazy operation that PyTorch records on a view instead of doing it; the elements read from storage must pass through it.</summary>
[Flags]
public enum LazyView : byte
{
    /// <summary>The elements are as stored.</summary>
    None = 0,
    /// <summary>Complex conjugate: the imaginary halves change sign.</summary>
    Conjugate = 1,
    /// <summary>Negation: the elements change sign.</summary>
    Negative = 2,
}

/// <summary>One tensor of a checkpoint: a typed, strided view of a storage. No bytes, only where they are.</summary>
/// <param name="Name">Its name in the state dict; nested containers give dotted names. Empty for a bare tensor.</param>
/// <param name="DType">The element type.</param>
/// <param name="Shape">Dimensions in elements; empty for a scalar.</param>
/// <param name="Strides">One stride a dimension, in elements, never negative; zero for an expanded dimension.</param>
/// <param name="Storage">Index into <see cref="Checkpoint.Storages"/>. Tensors with equal indices share memory.</param>
/// <param name="ElementOffset">Where the view starts in that storage, in elements.</param>
/// <param name="LazyView">What PyTorch still does to the elements when they are used.</param>
public sealed record TensorEntry(
    string Name,
    DType DType,
    ImmutableArray<long> Shape,
    ImmutableArray<long> Strides,
    int Storage,
    long ElementOffset,
    LazyView LazyView = LazyView.None)
{
    /// <summary>A whole storage as a contiguous tensor of bytes: how its raw content is streamed.</summary>
    internal static TensorEntry OfStorage(int storage, long bytes) => new("", DType.UInt8, [bytes], [1], storage, 0);

    /// <summary>Number of elements; 1 for a scalar, 0 if any dimension is 0.</summary>
    public long ElementCount => ShapeMath.ElementCount(Shape);

    /// <summary>Bytes of the elements when contiguous: the size PyTorch reports as <c>nbytes</c>.</summary>
    public long Bytes => checked(ElementCount * DType.ElementSize());

    /// <summary>Where the view starts in its storage, in bytes.</summary>
    public long ByteOffset => checked(ElementOffset * DType.ElementSize());

    /// <summary>True if the elements lie one after the other in row-major order, with nothing left to do to them.</summary>
    public bool IsContiguous => LazyView == LazyView.None && ShapeMath.IsContiguous(Shape, Strides);
}
