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
    public long Bytes => DType.Layout().BytesOf(ElementCount);

    /// <summary>Returns the elements in place, without a copy. The span is valid as long as the memory, which its owner defines.</summary>
    /// <typeparam name="T">A type with the size of one element. Use <see cref="float"/> for float32, <see cref="Half"/> for float16,
    /// <see cref="ushort"/> for the bits of bfloat16, and <see cref="byte"/> for types of one byte.</typeparam>
    /// <returns>One value per element, row-major.</returns>
    /// <exception cref="InvalidOperationException">An element has another size than <typeparamref name="T"/>.</exception>
    /// <exception cref="OverflowException">There are more elements than a span can have, which is <see cref="int.MaxValue"/>.</exception>
    public unsafe ReadOnlySpan<T> AsSpan<T>()
        where T : unmanaged =>
        DType.Layout() is { IsSingle: true } layout && sizeof(T) == layout.Bytes
            ? new((void*)Address, checked((int)ElementCount))
            : throw new InvalidOperationException(
                $"A block of {DType.Layout().Elements} elements of {DType.TorchName()} has {DType.Layout().Bytes} bytes, and "
                    + $"{typeof(T).Name} has {sizeof(T)}. Use a type of the same size.");
}
