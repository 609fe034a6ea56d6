namespace MemLoad;

/// <summary>
/// Scans the elements of one tensor while they are streamed. Counts NaN and Inf, and tests whether all elements are equal.
/// </summary>
internal sealed class ElementScan(DType dtype)
{
    private byte[]? _first;

    /// <summary>Elements that are NaN. A complex element counts once per part that is NaN.</summary>
    public long Nans { get; private set; }

    /// <summary>Elements that are infinite. Complex elements count per part.</summary>
    public long Infs { get; private set; }
    public long Elements { get; private set; }

    /// <summary>
    /// The number of times that the tensor repeats the elements. More than one for an expanded tensor whose elements were scanned once.
    /// </summary>
    public long Repeats { get; set; } = 1;

    /// <summary>Whether every scanned byte was zero.</summary>
    public bool AllZero { get; private set; } = true;

    /// <summary>Whether every scanned element had the bits of the first element.</summary>
    public bool AllEqual { get; private set; } = true;

    /// <summary>Adds a piece of whole elements.</summary>
    public void Add(ReadOnlySpan<byte> elements)
    {
        // Only the bytes of blocks are scanned, so pieces need not be whole blocks.
        int size = dtype.Layout() is { IsSingle: true } layout ? layout.Bytes : 1;
        Elements += elements.Length / size;
        AllZero = AllZero && !elements.ContainsAnyExcept((byte)0);
        _first ??= elements[..size].ToArray();
        // If each element equals the previous element, and the first element of the piece equals the first of all, then all are equal.
        AllEqual = AllEqual && elements[..size].SequenceEqual(_first) && elements[size..].SequenceEqual(elements[..^size]);
        Count(elements);
    }

    private void Count(ReadOnlySpan<byte> elements)
    {
        switch (dtype)
        {
            case DType.Float32 or DType.Complex64:
                Count(MemoryMarshal.Cast<byte, uint>(elements), 0x7F800000u, 0x7FFFFFFFu);
                break;
            case DType.Float64 or DType.Complex128:
                Count(MemoryMarshal.Cast<byte, ulong>(elements), 0x7FF0000000000000ul, 0x7FFFFFFFFFFFFFFFul);
                break;
            case DType.Float16 or DType.Complex32:
                Count(MemoryMarshal.Cast<byte, ushort>(elements), (ushort)0x7C00, (ushort)0x7FFF);
                break;
            case DType.BFloat16:
                Count(MemoryMarshal.Cast<byte, ushort>(elements), (ushort)0x7F80, (ushort)0x7FFF);
                break;
            case DType.Float8E5M2:
                Count(elements, (byte)0x7C, (byte)0x7F);
                break;
            case DType.Float8E4M3FN:
                Nans += elements.Count((byte)0x7F) + elements.Count((byte)0xFF);
                break;
            case DType.Float8E4M3FNUZ or DType.Float8E5M2FNUZ:
                Nans += elements.Count((byte)0x80);
                break;
            case DType.Float8E8M0FNU:
                Nans += elements.Count((byte)0xFF);
                break;
        }
    }

    // In IEEE formats without the sign, infinity has an exponent of ones, and NaN is every larger value.
    private void Count<T>(ReadOnlySpan<T> bits, T infinity, T withoutSign)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        foreach (T element in bits)
        {
            T magnitude = element & withoutSign;
            if (magnitude >= infinity)
            {
                if (magnitude == infinity)
                {
                    Infs++;
                }
                else
                {
                    Nans++;
                }
            }
        }
    }
}
