using System.Numerics.Tensors;

namespace MemLoad;

/// <summary>
/// Fills tensors of models whose initialization is not known, so that creating a model uses memory as in practice. Floating-point types of
/// two bytes and more, and both parts of complex types, get uniform numbers in [−1, 1). Other types get random bits.
/// </summary>
internal static class WeightInitializer
{
    // The elements that are generated at once if they are not generated in place. They fit the first-level cache.
    private const int PieceElements = 1024;

    /// <summary>
    /// Fills elements [<paramref name="firstElement"/>, …) of a tensor. An element depends only on seed, name, dtype and index. Pieces can
    /// be filled in any order and by several threads.
    /// </summary>
    /// <exception cref="ArgumentException">The piece is not a whole number of elements, or is not in the tensor.</exception>
    public static void Fill(TensorSpec spec, Span<byte> destination, long firstElement, long seed = 0)
    {
        CheckPiece(spec, destination, firstElement);
        var random = CounterRandom.ForTensor(seed, spec.Name);
        if (Number(spec.DType) is { } number)
        {
            int numbers = spec.DType.ElementSize() / number.ElementSize();
            Fill(Distribution.Uniform(1), random, number, destination, firstElement * numbers);
            return;
        }
        FillBits(random, destination, spec.DType.Layout().BytesOf(firstElement));
        if (spec.DType == DType.Bool)
        {
            foreach (ref byte element in destination)
            {
                element &= 1;
            }
        }
    }

    /// <summary>
    /// Fills a piece of a tensor of type float32, float16, bfloat16 or float64 from a distribution of float32. Narrower types round to the
    /// nearest value, ties to even.
    /// </summary>
    internal static void Fill(Distribution distribution, CounterRandom random, DType dtype, Span<byte> destination, long firstElement)
    {
        if (dtype == DType.Float32)
        {
            distribution.Fill(random, firstElement, MemoryMarshal.Cast<byte, float>(destination));
            return;
        }
        Span<float> piece = stackalloc float[PieceElements];
        while (!destination.IsEmpty)
        {
            Span<float> part = piece[..Math.Min(PieceElements, destination.Length / dtype.ElementSize())];
            distribution.Fill(random, firstElement, part);
            Narrow(part, dtype, destination);
            destination = destination[(part.Length * dtype.ElementSize())..];
            firstElement += part.Length;
        }
    }

    /// <summary>Throws unless the piece has whole elements of the tensor.</summary>
    internal static void CheckPiece(TensorSpec spec, ReadOnlySpan<byte> piece, long firstElement)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstElement);
        ElementLayout layout = spec.DType.Layout();
        if (piece.Length % layout.Bytes != 0 || !layout.IsWhole(firstElement))
        {
            throw new ArgumentException($"{piece.Length} bytes are not whole {spec.DType.TorchName()} elements.", nameof(piece));
        }
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstElement, ShapeMath.ElementCount(spec.Shape) - layout.ElementsIn(piece.Length));
    }

    // The type of the one or two numbers of an element.
    private static DType? Number(DType dtype) => dtype switch
    {
        DType.Float32 or DType.Complex64 => DType.Float32,
        DType.Float64 or DType.Complex128 => DType.Float64,
        DType.Float16 or DType.Complex32 => DType.Float16,
        DType.BFloat16 => DType.BFloat16,
        _ => null,
    };

    private static void FillBits(CounterRandom random, Span<byte> destination, long firstByte)
    {
        Span<float> words = stackalloc float[PieceElements];
        while (!destination.IsEmpty)
        {
            (long word, long skip) = Math.DivRem(firstByte, sizeof(float));
            Distribution.Bits.Fill(random, word, words);
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(words)[(int)skip..];
            bytes = bytes[..Math.Min(bytes.Length, destination.Length)];
            bytes.CopyTo(destination);
            destination = destination[bytes.Length..];
            firstByte += bytes.Length;
        }
    }

    private static void Narrow(ReadOnlySpan<float> source, DType dtype, Span<byte> destination)
    {
        if (dtype == DType.Float64)
        {
            TensorPrimitives.ConvertTruncating<float, double>(source, MemoryMarshal.Cast<byte, double>(destination));
            return;
        }
        ElementCast.Convert(DType.Float32, MemoryMarshal.AsBytes(source), dtype, destination);
    }
}
