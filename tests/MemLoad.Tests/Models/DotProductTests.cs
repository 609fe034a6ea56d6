using System.Numerics;
using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Models;

public sealed unsafe class DotProductTests
{
    [Fact]
    public void Every_float16_is_widened_to_the_float32_it_is() =>
        EveryPattern<Float16Elements>(bits => (float)BitConverter.UInt16BitsToHalf(bits));

    [Fact]
    public void Every_bfloat16_is_widened_to_the_float32_it_is() => EveryPattern<BFloat16Elements>(Numbers.FromBFloat16);

    [Fact]
    public void Every_row_is_multiplied_by_every_token_for_any_number_length_and_stride()
    {
        var cases =
            from rows in Gen.Choose(1, 11)
            from tokens in Gen.Choose(1, 11)
            from length in Gen.Choose(1, 70)
            from gap in Gen.Choose(0, 3)
            from seed in Gen.Choose(0, 1000)
            select (rows, tokens, length, gap, seed);

        Prop.ForAll(cases.ToArbitrary(), test =>
        {
            int rowStride = test.length + test.gap;
            int tokenStride = test.length + (2 * test.gap);
            int sumStride = test.rows + test.gap;
            float[] x = Samples(test.tokens * tokenStride, test.seed);
            float[] rows = Samples(test.rows * rowStride, test.seed + 1);
            ushort[] halves = [.. rows.Select(value => BitConverter.HalfToUInt16Bits((Half)value))];
            ushort[] brains = [.. rows.Select(Numbers.ToBFloat16)];
            Check<Float32Elements>(MemoryMarshal.AsBytes<float>(rows), i => rows[i]);
            Check<Float16Elements>(MemoryMarshal.AsBytes<ushort>(halves), i => (float)BitConverter.UInt16BitsToHalf(halves[i]));
            Check<BFloat16Elements>(MemoryMarshal.AsBytes<ushort>(brains), i => Numbers.FromBFloat16(brains[i]));

            void Check<TElements>(ReadOnlySpan<byte> weights, Func<int, float> at)
                where TElements : struct, IWeightElements
            {
                float[] sums = [.. Enumerable.Repeat(10f, test.tokens * sumStride)];
                fixed (byte* w = weights)
                fixed (float* first = x, y = sums)
                {
                    DotProducts.Accumulate<TElements>(
                        w, rowStride * TElements.Size, test.rows, first, tokenStride, test.tokens, test.length, y, sumStride);
                }
                for (int i = 0; i < sums.Length; i++)
                {
                    (int token, int row) = Math.DivRem(i, sumStride);
                    double expected = row >= test.rows ? 10 : 10 + Enumerable.Range(0, test.length).Sum(
                        k => (double)at((row * rowStride) + k) * x[(token * tokenStride) + k]);
                    Assert.Equal(expected, sums[i], 2e-5);
                }
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void The_result_of_a_token_does_not_depend_on_the_other_tokens()
    {
        const int rows = 9, tokens = 7, length = 53;
        float[] weights = Samples(rows * length, 1);
        float[] x = Samples(tokens * length, 2);
        float[] together = new float[tokens * rows];
        float[] alone = new float[tokens * rows];
        fixed (float* w = weights, first = x, y = together, z = alone)
        {
            const int rowBytes = length * sizeof(float);
            DotProducts.Accumulate<Float32Elements>((byte*)w, rowBytes, rows, first, length, tokens, length, y, rows);
            for (int token = 0; token < tokens; token++)
            {
                DotProducts.Accumulate<Float32Elements>(
                    (byte*)w, rowBytes, rows, first + (token * length), length, 1, length, z + (token * rows), rows);
            }
        }
        Assert.Equal(alone, together);
    }

    private static void EveryPattern<TElements>(Func<ushort, float> expected)
        where TElements : struct, IWeightElements
    {
        ushort[] patterns = [.. Enumerable.Range(0, 1 << 16).Select(i => (ushort)i)];
        fixed (ushort* all = patterns)
        {
            for (int i = 0; i < patterns.Length; i += Vector<ushort>.Count)
            {
                (Vector<float> low, Vector<float> high) = TElements.Load((byte*)(all + i));
                for (int lane = 0; lane < Vector<ushort>.Count; lane++)
                {
                    float vector = lane < Vector<float>.Count ? low[lane] : high[lane - Vector<float>.Count];
                    float wanted = expected((ushort)(i + lane));
                    Same(wanted, vector);
                    Same(wanted, TElements.At((byte*)(all + i + lane)));
                }
            }
        }

        // The payload of a NaN may change. All other results must be equal.
        static void Same(float expected, float actual)
        {
            if (!float.IsNaN(expected) || !float.IsNaN(actual))
            {
                Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(actual));
            }
        }
    }

    private static float[] Samples(int count, int seed)
    {
        float[] samples = new float[count];
        WeightInitializer.Fill(new TensorSpec("x", DType.Float32, [count]), MemoryMarshal.AsBytes(samples.AsSpan()), 0, seed);
        return samples;
    }
}
