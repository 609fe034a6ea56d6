using System.Numerics;
using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>The distribution of the elements of a tensor.</summary>
internal readonly record struct Distribution
{
    private enum Kind : byte
    {
        Constant,
        Uniform,
        Normal,
        UpperTriangle,
        Bits,
    }

    private readonly Kind _kind;
    private readonly double _parameter;

    private Distribution(Kind kind, double parameter)
    {
        _kind = kind;
        _parameter = parameter;
    }

    /// <summary>N(0, 1).</summary>
    public static Distribution Normal => new(Kind.Normal, 0);

    /// <summary>Random bit patterns without a meaning as numbers.</summary>
    public static Distribution Bits => new(Kind.Bits, 0);

    public static Distribution Constant(float value) => new(Kind.Constant, value);

    /// <summary>U(−bound, bound), in steps of bound · 2⁻²³.</summary>
    public static Distribution Uniform(double bound) => new(Kind.Uniform, bound);

    /// <summary>Ones above the diagonal of a square matrix, zeros elsewhere.</summary>
    public static Distribution UpperTriangle(int side) => new(Kind.UpperTriangle, side);

    /// <summary>Fills elements [first, first + destination.Length) of a tensor.</summary>
    public void Fill(CounterRandom random, long first, Span<float> destination)
    {
        switch (_kind)
        {
            case Kind.Constant:
                destination.Fill((float)_parameter);
                break;
            case Kind.Uniform:
                Sample(new UniformSampler((float)_parameter), random, first, destination);
                break;
            case Kind.Normal:
                Sample(new NormalSampler(), random, first, destination);
                break;
            case Kind.UpperTriangle:
                FillUpperTriangle((long)_parameter, first, destination);
                break;
            default:
                Sample(new BitSampler(), random, first, destination);
                break;
        }
    }

    private static void FillUpperTriangle(long side, long first, Span<float> destination)
    {
        (long row, long column) = Math.DivRem(first, side);
        while (!destination.IsEmpty)
        {
            Span<float> part = destination[..(int)Math.Min(destination.Length, side - column)];
            int zeros = (int)Math.Clamp(row + 1 - column, 0, part.Length);
            part[..zeros].Clear();
            part[zeros..].Fill(1);
            destination = destination[part.Length..];
            row++;
            column = 0;
        }
    }

    private static void Sample<TSampler>(TSampler sampler, CounterRandom random, long first, Span<float> destination)
        where TSampler : struct, ISampler
    {
        Span<float> whole = stackalloc float[CounterRandom.GroupSize];
        while (!destination.IsEmpty)
        {
            (long group, long skip) = Math.DivRem(first, CounterRandom.GroupSize);
            if (skip == 0 && destination.Length >= CounterRandom.GroupSize)
            {
                int groups = destination.Length / CounterRandom.GroupSize;
                SampleGroups(sampler, random, group, ref MemoryMarshal.GetReference(destination), groups);
                destination = destination[(groups * CounterRandom.GroupSize)..];
                first += groups * CounterRandom.GroupSize;
            }
            else
            {
                SampleGroups(sampler, random, group, ref MemoryMarshal.GetReference(whole), 1);
                ReadOnlySpan<float> part = whole[(int)skip..Math.Min(CounterRandom.GroupSize, (int)skip + destination.Length)];
                part.CopyTo(destination);
                destination = destination[part.Length..];
                first += part.Length;
            }
        }
    }

    // The method is optimized at once with its callees inlined, because it is used intensively.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SampleGroups<TSampler>(TSampler sampler, CounterRandom random, long firstGroup, ref float destination, int groups)
        where TSampler : struct, ISampler
    {
        for (int group = 0; group < groups; group++)
        {
            for (int lane = 0; lane < CounterRandom.Lanes; lane += Vector<uint>.Count)
            {
                (Vector<uint> first, Vector<uint> second) = random.Words(firstGroup + group, lane);
                sampler.Sample(ref first, ref second);
                nuint at = ((nuint)group * CounterRandom.GroupSize) + (nuint)lane;
                Vector.AsVectorSingle(first).StoreUnsafe(ref destination, at);
                Vector.AsVectorSingle(second).StoreUnsafe(ref destination, at + CounterRandom.Lanes);
            }
        }
    }

    /// <summary>
    /// Converts two words of random bits to the bits of two float32 samples. It uses only operations that IEEE 754 defines exactly, and no
    /// fused operations. A seed therefore gives the same weights on every processor.
    /// </summary>
    private interface ISampler
    {
        void Sample(ref Vector<uint> first, ref Vector<uint> second);
    }

    private readonly struct BitSampler : ISampler
    {
        public void Sample(ref Vector<uint> first, ref Vector<uint> second)
        {
        }
    }

    private readonly struct UniformSampler(float bound) : ISampler
    {
        private readonly float _scale = bound / (1 << 23);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Sample(ref Vector<uint> first, ref Vector<uint> second)
        {
            first = Vector.AsVectorUInt32(Signed24(first) * new Vector<float>(_scale));
            second = Vector.AsVectorUInt32(Signed24(second) * new Vector<float>(_scale));
        }
    }

    /// <summary>Box and Muller's transform: √(−2 ln u) times the cosine and the sine of a random angle.</summary>
    private readonly struct NormalSampler : ISampler
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Sample(ref Vector<uint> first, ref Vector<uint> second)
        {
            // u in (0, 1], in steps of 2⁻²⁴.
            Vector<float> u =
                Vector.ConvertToSingle(Vector.AsVectorInt32((first >>> 8) + Vector<uint>.One)) * new Vector<float>(1f / (1 << 24));
            Vector<float> radius = Vector.SquareRoot(Log(u) * new Vector<float>(-2));

            // An angle within an eighth of the circle on both sides of the axis. Two more bits mirror it to the rest of the circle.
            Vector<float> angle = Signed24(second << 2) * new Vector<float>(MathF.PI / 4 / (1 << 23));
            Vector<float> sine = Sin(angle);
            Vector<float> cosine = Cos(angle);
            Vector<int> swap = Vector.AsVectorInt32(second << 1) >> 31;
            Vector<uint> sign = second & new Vector<uint>(0x80000000);
            first = Vector.AsVectorUInt32(radius * Vector.ConditionalSelect(swap, sine, cosine)) ^ sign;
            second = Vector.AsVectorUInt32(radius * Vector.ConditionalSelect(swap, cosine, sine)) ^ sign;
        }

        // ln(2^e · m) = e ln 2 + 2 artanh((m − 1) / (m + 1)) with m in [√½, √2): the series to the ninth power is exact to 1e-9.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector<float> Log(Vector<float> value)
        {
            var half = new Vector<int>(0x3F3504F3); // the bits of √½
            Vector<int> exponent = (Vector.AsVectorInt32(value) - half) >> 23;
            Vector<float> mantissa = Vector.AsVectorSingle(Vector.AsVectorInt32(value) - (exponent << 23));
            Vector<float> s = (mantissa - Vector<float>.One) / (mantissa + Vector<float>.One);
            Vector<float> square = s * s;
            Vector<float> series = (square * new Vector<float>(2f / 9)) + new Vector<float>(2f / 7);
            series = (square * series) + new Vector<float>(2f / 5);
            series = (square * series) + new Vector<float>(2f / 3);
            series = (square * series) + new Vector<float>(2);
            return (s * series) + (Vector.ConvertToSingle(exponent) * new Vector<float>(0.6931472f));
        }

        // Taylor's series on [−π/4, π/4], exact to 3e-8.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector<float> Sin(Vector<float> angle)
        {
            Vector<float> square = angle * angle;
            Vector<float> series = (square * new Vector<float>(1f / 362880)) - new Vector<float>(1f / 5040);
            series = (square * series) + new Vector<float>(1f / 120);
            series = (square * series) - new Vector<float>(1f / 6);
            return (angle * square * series) + angle;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector<float> Cos(Vector<float> angle)
        {
            Vector<float> square = angle * angle;
            Vector<float> series = (square * new Vector<float>(1f / 40320)) - new Vector<float>(1f / 720);
            series = (square * series) + new Vector<float>(1f / 24);
            series = (square * series) - new Vector<float>(0.5f);
            return (square * series) + Vector<float>.One;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Signed24(Vector<uint> bits) => Vector.ConvertToSingle(Vector.AsVectorInt32(bits) >> 8);
}
