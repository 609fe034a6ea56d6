namespace MemLoad;

/// <summary>A lazy operation that PyTorch records on a view. It must be applied to the elements that are read from the storage.</summary>
[Flags]
public enum LazyView : byte
{
    /// <summary>The elements are as stored.</summary>
    None = 0,
    /// <summary>The complex conjugate: the imaginary parts change their sign.</summary>
    Conjugate = 1,
    /// <summary>Negation: the elements change their sign.</summary>
    Negative = 2,
}

/// <summary>One tensor of a checkpoint: a typed, strided view of a storage. It has the location of the bytes, not the bytes.</summary>
/// <param name="Name">The name in the state dict. Nested containers give dotted names. Empty for a bare tensor.</param>
/// <param name="DType">The element type.</param>
/// <param name="Shape">Dimensions in elements; empty for a scalar.</param>
/// <param name="Strides">One stride per dimension, in elements, never negative. Zero for an expanded dimension.</param>
/// <param name="Storage">Index into <see cref="Checkpoint.Storages"/>. Tensors with equal indices share memory.</param>
/// <param name="ElementOffset">The start of the view in that storage, in elements.</param>
/// <param name="LazyView">The operation that PyTorch applies to the elements when they are used.</param>
public sealed record TensorEntry(
    string Name,
    DType DType,
    ImmutableArray<long> Shape,
    ImmutableArray<long> Strides,
    int Storage,
    long ElementOffset,
    LazyView LazyView = LazyView.None)
{
    /// <summary>Returns bytes of a storage as a contiguous tensor, to stream its raw content.</summary>
    internal static TensorEntry OfStorage(int storage, long bytes, long start = 0) => new("", DType.UInt8, [bytes], [1], storage, start);

    /// <summary>Whether all elements are in one of the storages, whose lengths in bytes are given.</summary>
    /// <exception cref="OverflowException">The shape, the strides or the offset are impossible.</exception>
    internal bool IsIn(ImmutableArray<long> storages) =>
        Storage >= 0 && Storage < storages.Length
        && (ShapeMath.ViewEnd(DType, Shape, Strides, ElementOffset) <= storages[Storage] || ElementCount == 0);

    /// <summary>Refuses a view outside of the storages, because a caller can create any view.</summary>
    /// <exception cref="ArgumentException">An element is in none of the storages.</exception>
    internal static void RequireIn(ImmutableArray<long> storages, TensorEntry tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        bool isIn;
        try
        {
            isIn = tensor.IsIn(storages);
        }
        catch (OverflowException)
        {
            isIn = false;
        }
        if (!isIn)
        {
            throw new ArgumentException($"Tensor {Printable.Quote(tensor.Name)} is not in the storages of this source.", nameof(tensor));
        }
    }

    /// <summary>Whether all members are equal, the dimensions and strides one by one.</summary>
    public bool Equals(TensorEntry? other) =>
        other is not null
        && (Name, DType, Storage, ElementOffset, LazyView)
            == (other.Name, other.DType, other.Storage, other.ElementOffset, other.LazyView)
        && Shape.AsSpan().SequenceEqual(other.Shape.AsSpan()) && Strides.AsSpan().SequenceEqual(other.Strides.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, DType, Storage, ElementOffset);

    /// <summary>Number of elements; 1 for a scalar, 0 if any dimension is 0.</summary>
    public long ElementCount => ShapeMath.ElementCount(Shape);

    /// <summary>Bytes of the contiguous elements, which PyTorch reports as <c>nbytes</c>.</summary>
    public long Bytes => DType.Layout().BytesOf(ElementCount);

    /// <summary>The start of the view in its storage, in bytes.</summary>
    public long ByteOffset => DType.Layout().BytesOf(ElementOffset);

    /// <summary>True if the elements are contiguous in row-major order and have no lazy operation.</summary>
    public bool IsContiguous => LazyView == LazyView.None && ShapeMath.IsContiguous(Shape, Strides);
}
