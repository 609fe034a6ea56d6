namespace MemLoad;

/// <summary>Arithmetic on shapes and strides. Overflow is checked, because the numbers come from files.</summary>
internal static class ShapeMath
{
    private static readonly ImmutableArray<long>[] Origins =
        [.. Enumerable.Range(0, 8).Select(dimensions => ImmutableCollectionsMarshal.AsImmutableArray(new long[dimensions]))];

    /// <summary>Product of the dimensions; 1 for a scalar.</summary>
    /// <exception cref="OverflowException">The product does not fit 64 bits.</exception>
    public static long ElementCount(ImmutableArray<long> shape)
    {
        // A dimension of zero makes the count zero, even if the product of the others would overflow (as in PyTorch).
        if (shape.AsSpan().Contains(0))
        {
            return 0;
        }
        long count = 1;
        foreach (long dimension in shape)
        {
            count = checked(count * dimension);
        }
        return count;
    }

    /// <summary>The index of the first element. Tensors of usual dimensions share it.</summary>
    /// <param name="dimensions">Number of dimensions.</param>
    public static ImmutableArray<long> Origin(int dimensions) =>
        dimensions < Origins.Length ? Origins[dimensions] : ImmutableCollectionsMarshal.AsImmutableArray(new long[dimensions]);

    /// <summary>Row-major strides in elements, as for a contiguous tensor in PyTorch. A dimension of 0 counts as 1.</summary>
    /// <exception cref="OverflowException">A stride does not fit 64 bits.</exception>
    public static ImmutableArray<long> ContiguousStrides(ImmutableArray<long> shape)
    {
        long[] strides = new long[shape.Length];
        long stride = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride = checked(stride * Math.Max(shape[i], 1));
        }
        return ImmutableCollectionsMarshal.AsImmutableArray(strides);
    }

    /// <summary><c>is_contiguous()</c> of PyTorch. Strides of dimensions of size 1 have no effect. An empty tensor is contiguous.</summary>
    public static bool IsContiguous(ImmutableArray<long> shape, ImmutableArray<long> strides)
    {
        long expected = 1;
        if (shape.Contains(0))
        {
            return true;
        }
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1)
            {
                if (strides[i] != expected)
                {
                    return false;
                }
                expected = checked(expected * shape[i]);
            }
        }
        return true;
    }

    /// <summary>Bytes of a storage up to the end of a view that begins at an element.</summary>
    /// <exception cref="OverflowException">The end does not fit 64 bits, or the numbers do not describe a view.</exception>
    public static long ViewEnd(DType dtype, ImmutableArray<long> shape, ImmutableArray<long> strides, long offset) =>
        offset >= 0 && shape.Length == strides.Length && shape.All(size => size >= 0) && strides.All(stride => stride >= 0)
            ? dtype.Layout().BytesOf(checked(offset + Span(shape, strides)))
            : throw new OverflowException();

    /// <summary>
    /// Elements from the first to one past the last element of a view: 0 for an empty view, otherwise 1 + Σ (dim − 1) · stride.
    /// </summary>
    /// <exception cref="OverflowException">The span does not fit 64 bits.</exception>
    public static long Span(ImmutableArray<long> shape, ImmutableArray<long> strides)
    {
        long last = 0;
        for (int i = 0; i < shape.Length; i++)
        {
            if (shape[i] == 0)
            {
                return 0;
            }
            last = checked(last + checked((shape[i] - 1) * strides[i]));
        }
        return checked(last + 1);
    }
}
