using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MemLoad;

/// <summary>
/// Converts elements of floating-point types to float32, float16 or bfloat16 as PyTorch does on x86. Values round to the nearest value,
/// ties to even. All types, also float64, are converted to float32 first. For a NaN, float16 keeps the sign and the upper bits. bfloat16
/// has one NaN (0x7FC0), as in the scalar code of PyTorch.
/// </summary>
internal static unsafe class ElementCast
{
    // The number of elements that are converted through float32 at once. They fit the first-level cache.
    private const int PieceElements = 1024;

    private const int Infinity = 0x7F800000;

    // The method is optimized at once, because a load ends before the runtime would optimize it.
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    /// <summary>Converts.</summary>
    /// <param name="from">A floating-point type.</param>
    /// <param name="source">A whole number of elements. It does not need to be aligned.</param>
    /// <param name="to">float32, float16 or bfloat16.</param>
    /// <param name="destination">Receives the same number of elements. It must not overlap the source.</param>
    public static void Convert(DType from, ReadOnlySpan<byte> source, DType to, Span<byte> destination)
    {
        int count = source.Length / from.ElementSize();
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length / to.ElementSize(), count, nameof(destination));
        fixed (byte* first = source, target = destination)
        {
            if (from == to)
            {
                Unsafe.CopyBlockUnaligned(target, first, (uint)source.Length);
            }
            else if (to == DType.Float32)
            {
                Widen(from, first, (float*)target, count);
            }
            else if (from == DType.Float32)
            {
                Narrow((float*)first, to, (ushort*)target, count);
            }
            else
            {
                float* piece = stackalloc float[PieceElements];
                for (int done = 0; done < count; done += PieceElements)
                {
                    int part = Math.Min(PieceElements, count - done);
                    Widen(from, first + ((long)done * from.ElementSize()), piece, part);
                    Narrow(piece, to, (ushort*)target + done, part);
                }
            }
        }
    }

    private static void Widen(DType from, byte* source, float* target, int count)
    {
        switch (from)
        {
            case DType.Float64:
                FromFloat64(source, target, count);
                break;
            case DType.Float16:
                FromHalves<Float16Elements>(source, target, count);
                break;
            case DType.BFloat16:
                FromHalves<BFloat16Elements>(source, target, count);
                break;
            default:
                FromTable(Float8.ValuesOf(from), source, (uint*)target, count);
                break;
        }
    }

    private static void Narrow(float* source, DType to, ushort* target, int count)
    {
        if (to == DType.Float16)
        {
            int done = Vector512.IsHardwareAccelerated ? NarrowWide(source, target, count) : 0;
            Narrow<ToFloat16>(source + done, target + done, count - done);
        }
        else
        {
            Narrow<ToBFloat16>(source, target, count);
        }
    }

    [MethodImpl(Hot)]
    private static void FromHalves<TElements>(byte* source, float* target, int count)
        where TElements : struct, IWeightElements
    {
        int step = Vector<ushort>.Count;
        int done = 0;
        for (; done <= count - step; done += step)
        {
            Step(source + (done * sizeof(ushort)), target + done);
        }
        if (done < count)
        {
            ushort* rest = stackalloc ushort[step];
            float* widened = stackalloc float[step];
            int left = count - done;
            Unsafe.CopyBlockUnaligned(rest, source + (done * sizeof(ushort)), (uint)(left * sizeof(ushort)));
            Step((byte*)rest, widened);
            Unsafe.CopyBlockUnaligned(target + done, widened, (uint)(left * sizeof(float)));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Step(byte* source, float* target)
        {
            (Vector<float> low, Vector<float> high) = TElements.Load(source);
            // As the processor instruction does, float16 makes NaNs quiet. bfloat16 is copied.
            if (typeof(TElements) == typeof(Float16Elements))
            {
                (low, high) = (Quiet(low), Quiet(high));
            }
            low.Store(target);
            high.Store(target + Vector<float>.Count);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector<float> Quiet(Vector<float> number)
        {
            Vector<int> bits = Vector.AsVectorInt32(number);
            Vector<int> nan = Vector.GreaterThan(bits & new Vector<int>(0x7FFFFFFF), new Vector<int>(Infinity));
            return Vector.AsVectorSingle(bits | (nan & new Vector<int>(0x00400000)));
        }
    }

    [MethodImpl(Hot)]
    private static void FromFloat64(byte* source, float* target, int count)
    {
        int step = Vector<float>.Count;
        int done = 0;
        for (; done <= count - step; done += step)
        {
            double* from = (double*)source + done;
            Vector.Narrow(Vector.Load(from), Vector.Load(from + Vector<double>.Count)).Store(target + done);
        }
        for (; done < count; done++)
        {
            target[done] = (float)Unsafe.ReadUnaligned<double>(source + (done * (long)sizeof(double)));
        }
    }

    [MethodImpl(Hot)]
    private static void FromTable(ReadOnlySpan<uint> values, byte* source, uint* target, int count)
    {
        for (int i = 0; i < count; i++)
        {
            target[i] = values[source[i]];
        }
    }

    [MethodImpl(Hot)]
    private static void Narrow<TNarrowing>(float* source, ushort* target, int count)
        where TNarrowing : struct, INarrowing
    {
        int step = Vector<ushort>.Count;
        int done = 0;
        for (; done <= count - step; done += step)
        {
            Step(source + done, target + done);
        }
        if (done < count)
        {
            float* rest = stackalloc float[step];
            ushort* narrowed = stackalloc ushort[step];
            int left = count - done;
            Unsafe.CopyBlockUnaligned(rest, source + done, (uint)(left * sizeof(float)));
            Step(rest, narrowed);
            Unsafe.CopyBlockUnaligned(target + done, narrowed, (uint)(left * sizeof(ushort)));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Step(float* source, ushort* target) => Vector.Narrow(
            Vector.AsVectorUInt32(TNarrowing.Bits(Vector.Load((int*)source))),
            Vector.AsVectorUInt32(TNarrowing.Bits(Vector.Load((int*)source + Vector<int>.Count)))).Store(target);
    }

    // Converts to float16 with vectors of 512 bits, which take half of the time. Vector<T> does not have this width. Returns the number of
    // elements that were converted. The rest is less than a vector.
    [MethodImpl(Hot)]
    private static int NarrowWide(float* source, ushort* target, int count)
    {
        int step = Vector512<ushort>.Count;
        int done = 0;
        for (; done <= count - step; done += step)
        {
            int* from = (int*)source + done;
            Vector512<int> low = ToFloat16.Bits(Vector512.Load(from));
            Vector512<int> high = ToFloat16.Bits(Vector512.Load(from + Vector512<int>.Count));
            Vector512.Narrow(low.AsUInt32(), high.AsUInt32()).Store(target + done);
        }
        return done;
    }

    // Converts the bits of float32 to the bits of a 16-bit type, in the lower halves.
    private interface INarrowing
    {
        static abstract Vector<int> Bits(Vector<int> number);
    }

    private readonly struct ToBFloat16 : INarrowing
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<int> Bits(Vector<int> number)
        {
            Vector<int> rounded = (number + new Vector<int>(0x7FFF) + ((number >>> 16) & Vector<int>.One)) >>> 16;
            Vector<int> nan = Vector.GreaterThan(number & new Vector<int>(0x7FFFFFFF), new Vector<int>(Infinity));
            return Vector.ConditionalSelect(nan, new Vector<int>(0x7FC0), rounded);
        }
    }

    // A number too small for a normal float16 is added to a number whose last bit is the last bit of a subnormal float16. The addition
    // rounds.
    private readonly struct ToFloat16 : INarrowing
    {
        private const int SmallestNormal = 113 << 23; // the bits of 2⁻¹⁴
        private const int TooLarge = 143 << 23; // the bits of 2¹⁶
        private const int Adder = 126 << 23; // the bits of ½, whose last bit is 2⁻²⁴

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<int> Bits(Vector<int> number)
        {
            Vector<int> magnitude = number & new Vector<int>(0x7FFFFFFF);
            Vector<int> normal = (magnitude - new Vector<int>((112 << 23) - 0xFFF) + ((magnitude >>> 13) & Vector<int>.One)) >>> 13;
            Vector<int> subnormal =
                Vector.AsVectorInt32(Vector.AsVectorSingle(magnitude) + Vector.AsVectorSingle(new Vector<int>(Adder)))
                - new Vector<int>(Adder);
            Vector<int> special =
                new Vector<int>(0x7C00)
                | (
                    Vector.GreaterThan(magnitude, new Vector<int>(Infinity))
                    & (new Vector<int>(0x0200) | ((magnitude >>> 13) & new Vector<int>(0x03FF))));
            Vector<int> bits = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<int>(SmallestNormal)), subnormal, normal);
            bits = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(magnitude, new Vector<int>(TooLarge)), special, bits);
            return bits | ((number >>> 16) & new Vector<int>(0x8000));
        }

        // The same with vectors of 512 bits.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Bits(Vector512<int> number)
        {
            Vector512<int> magnitude = number & Vector512.Create(0x7FFFFFFF);
            Vector512<int> odd = (magnitude >>> 13) & Vector512<int>.One;
            Vector512<int> normal = (magnitude - Vector512.Create((112 << 23) - 0xFFF) + odd) >>> 13;
            Vector512<int> subnormal = (magnitude.AsSingle() + Vector512.Create(Adder).AsSingle()).AsInt32() - Vector512.Create(Adder);
            Vector512<int> payload = Vector512.Create(0x0200) | ((magnitude >>> 13) & Vector512.Create(0x03FF));
            Vector512<int> special = Vector512.Create(0x7C00) | (Vector512.GreaterThan(magnitude, Vector512.Create(Infinity)) & payload);
            Vector512<int> bits = Vector512.ConditionalSelect(
                Vector512.LessThan(magnitude, Vector512.Create(SmallestNormal)), subnormal, normal);
            bits = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(TooLarge)), special, bits);
            return bits | ((number >>> 16) & Vector512.Create(0x8000));
        }
    }

    // Each 8-bit type has 256 values and a table, created at first use. The tables hold bits, because a float value can lose the bits of a
    // NaN.
    private static class Float8
    {
        // This type has no sign for zero and NaN.
        private const uint NaN = Infinity | 1;

        private static readonly uint[]?[] Tables = new uint[]?[(int)DType.Float8E8M0FNU + 1];

        public static ReadOnlySpan<uint> ValuesOf(DType dtype)
        {
            if (dtype is < DType.Float8E4M3FN or > DType.Float8E8M0FNU)
            {
                throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "No floating-point type.");
            }
            return Tables[(int)dtype] ??= [.. Enumerable.Range(0, 256).Select(bits => Value(dtype, bits))];
        }

        private static uint Value(DType dtype, int bits) => dtype switch
        {
            DType.Float8E4M3FN when (bits & 0x7F) == 0x7F => 0x7FF00000 | ((uint)(bits & 0x80) << 24),
            DType.Float8E4M3FN => Value(bits, mantissaBits: 3, bias: 7),
            // The upper half of a float16.
            DType.Float8E5M2 when (bits & 0x7F) > 0x7C => Infinity | 0x00400000 | ((uint)(bits & 0x03) << 21) | ((uint)(bits & 0x80) << 24),
            DType.Float8E5M2 when (bits & 0x7F) == 0x7C => Infinity | ((uint)(bits & 0x80) << 24),
            DType.Float8E5M2 => Value(bits, mantissaBits: 2, bias: 15),
            // The bits of a negative zero are the only NaN.
            DType.Float8E4M3FNUZ or DType.Float8E5M2FNUZ when bits == 0x80 => NaN,
            DType.Float8E4M3FNUZ => Value(bits, mantissaBits: 3, bias: 8),
            DType.Float8E5M2FNUZ => Value(bits, mantissaBits: 2, bias: 16),
            // The type has only an exponent.
            _ => bits == 0xFF ? NaN : BitConverter.SingleToUInt32Bits(MathF.ScaleB(1, bits - 127)),
        };

        private static uint Value(int bits, int mantissaBits, int bias)
        {
            int exponent = (bits & 0x7F) >> mantissaBits;
            int mantissa = bits & ((1 << mantissaBits) - 1);
            float magnitude = exponent == 0
                ? MathF.ScaleB(mantissa, 1 - bias - mantissaBits)
                : MathF.ScaleB(mantissa + (1 << mantissaBits), exponent - bias - mantissaBits);
            return BitConverter.SingleToUInt32Bits(magnitude) | ((uint)(bits & 0x80) << 24);
        }
    }
}
