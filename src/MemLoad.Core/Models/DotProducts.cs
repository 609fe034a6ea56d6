using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// Dot products of many weight rows with many tokens. Four rows and four tokens are multiplied in registers at a time, so that they are not
/// loaded for every product. Every dot product has the same order of additions. The result of a token does not depend on the number of
/// tokens.
/// </summary>
internal static unsafe class DotProducts
{
    private const int Block = 4;

    // The method is optimized at once, because a single forward pass would mostly run unoptimized code.
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    /// <summary>
    /// For each token t and row r: <c>sums[t · sumStride + r] += rows[r] · tokens[t]</c>. Use rows that fit the second-level cache
    /// together. They are then read from memory once.
    /// </summary>
    /// <param name="rows">The first row.</param>
    /// <param name="rowBytes">Bytes from one row to the next.</param>
    /// <param name="rowCount">Number of rows.</param>
    /// <param name="tokens">The activations of the first token.</param>
    /// <param name="tokenStride">Numbers from the activations of one token to the next.</param>
    /// <param name="tokenCount">Number of tokens.</param>
    /// <param name="length">Elements of a row and of the activations of a token.</param>
    /// <param name="sums">The address of the result for the first row and token. Results are added to it.</param>
    /// <param name="sumStride">Numbers from the results of one token to the next.</param>
    public static void Accumulate<TElements>(
        byte* rows, nint rowBytes, int rowCount, float* tokens, nint tokenStride, int tokenCount, int length, float* sums, nint sumStride)
        where TElements : struct, IWeightElements
    {
        if (typeof(TElements) != typeof(Float32Elements) && tokenCount > 1)
        {
            AccumulateWidened<TElements>(rows, rowBytes, rowCount, tokens, tokenStride, tokenCount, length, sums, sumStride);
            return;
        }
        float* discarded = stackalloc float[Block];
        for (int token = 0; token < tokenCount; token += Block)
        {
            if (token == tokenCount - 1)
            {
                AccumulateOne<TElements>(rows, rowBytes, rowCount, tokens + (token * tokenStride), length, sums + (token * sumStride));
                return;
            }
            // For two or three remaining tokens, the last token is repeated to make four. Another pass over the weights would take more
            // time than the extra products.
            float* x0 = tokens + (token * tokenStride);
            float* x1 = At(token + 1);
            float* x2 = At(token + 2);
            float* x3 = At(token + 3);
            float* y = sums + (token * sumStride);
            int row = 0;
            for (; row <= rowCount - Block; row += Block)
            {
                FourByFour(
                    rows + (row * rowBytes), rowBytes, x0, x1, x2, x3, length, y + row, Result(1, row), Result(2, row), Result(3, row));
            }
            for (; row < rowCount; row++)
            {
                for (int i = 0; i < Math.Min(Block, tokenCount - token); i++)
                {
                    y[(i * sumStride) + row] += One<TElements>(rows + (row * rowBytes), x0 + (i * tokenStride), length);
                }
            }

            float* At(int index) => tokens + (Math.Min(index, tokenCount - 1) * tokenStride);

            float* Result(int index, int firstRow) => token + index < tokenCount ? y + (index * sumStride) + firstRow : discarded;
        }
    }

    private static void AccumulateOne<TElements>(byte* rows, nint rowBytes, int rowCount, float* token, int length, float* sums)
        where TElements : struct, IWeightElements
    {
        int row = 0;
        for (; row <= rowCount - Block; row += Block)
        {
            FourByOne<TElements>(rows + (row * rowBytes), rowBytes, token, length, sums + row);
        }
        for (; row < rowCount; row++)
        {
            sums[row] += One<TElements>(rows + (row * rowBytes), token, length);
        }
    }

    // One token uses each weight once and widens it at that time. Several tokens share a widened copy of these rows.
    private static void AccumulateWidened<TElements>(
        byte* rows, nint rowBytes, int rowCount, float* tokens, nint tokenStride, int tokenCount, int length, float* sums, nint sumStride)
        where TElements : struct, IWeightElements
    {
        float[] widened = ArrayPool<float>.Shared.Rent(checked(rowCount * length));
        fixed (float* first = widened)
        {
            for (int row = 0; row < rowCount; row++)
            {
                Widen<TElements>(rows + (row * rowBytes), first + ((nint)row * length), length);
            }
            Accumulate<Float32Elements>(
                (byte*)first, (nint)length * sizeof(float), rowCount, tokens, tokenStride, tokenCount, length, sums, sumStride);
        }
        ArrayPool<float>.Shared.Return(widened);
    }

    [MethodImpl(Hot)]
    private static void Widen<TElements>(byte* row, float* widened, int length)
        where TElements : struct, IWeightElements
    {
        int whole = WholeVectors(length);
        for (nint i = 0; i < whole; i += 2 * Vector<float>.Count)
        {
            (Vector<float> low, Vector<float> high) = TElements.Load(row + (i * TElements.Size));
            low.Store(widened + i);
            high.Store(widened + i + Vector<float>.Count);
        }
        for (int i = whole; i < length; i++)
        {
            widened[i] = TElements.At(row + ((nint)i * TElements.Size));
        }
    }

    [MethodImpl(Hot)]
    private static void FourByFour(byte* row, nint rowBytes, float* token0, float* token1, float* token2, float* token3, int length,
        float* sums0, float* sums1, float* sums2, float* sums3)
    {
        Vector<float> s00 = default, s01 = default, s02 = default, s03 = default;
        Vector<float> s10 = default, s11 = default, s12 = default, s13 = default;
        Vector<float> s20 = default, s21 = default, s22 = default, s23 = default;
        Vector<float> s30 = default, s31 = default, s32 = default, s33 = default;
        float* row0 = (float*)row;
        float* row1 = (float*)(row + rowBytes);
        float* row2 = (float*)(row + (2 * rowBytes));
        float* row3 = (float*)(row + (3 * rowBytes));
        int whole = WholeVectors(length);
        for (nint i = 0; i < whole; i += Vector<float>.Count)
        {
            Vector<float> w0 = Vector.Load(row0 + i);
            Vector<float> w1 = Vector.Load(row1 + i);
            Vector<float> w2 = Vector.Load(row2 + i);
            Vector<float> w3 = Vector.Load(row3 + i);
            Vector<float> x = Vector.Load(token0 + i);
            s00 = Vector.MultiplyAddEstimate(w0, x, s00);
            s10 = Vector.MultiplyAddEstimate(w1, x, s10);
            s20 = Vector.MultiplyAddEstimate(w2, x, s20);
            s30 = Vector.MultiplyAddEstimate(w3, x, s30);
            x = Vector.Load(token1 + i);
            s01 = Vector.MultiplyAddEstimate(w0, x, s01);
            s11 = Vector.MultiplyAddEstimate(w1, x, s11);
            s21 = Vector.MultiplyAddEstimate(w2, x, s21);
            s31 = Vector.MultiplyAddEstimate(w3, x, s31);
            x = Vector.Load(token2 + i);
            s02 = Vector.MultiplyAddEstimate(w0, x, s02);
            s12 = Vector.MultiplyAddEstimate(w1, x, s12);
            s22 = Vector.MultiplyAddEstimate(w2, x, s22);
            s32 = Vector.MultiplyAddEstimate(w3, x, s32);
            x = Vector.Load(token3 + i);
            s03 = Vector.MultiplyAddEstimate(w0, x, s03);
            s13 = Vector.MultiplyAddEstimate(w1, x, s13);
            s23 = Vector.MultiplyAddEstimate(w2, x, s23);
            s33 = Vector.MultiplyAddEstimate(w3, x, s33);
        }
        Store<Float32Elements>(s00, s10, s20, s30, row, rowBytes, token0, whole, length, sums0);
        Store<Float32Elements>(s01, s11, s21, s31, row, rowBytes, token1, whole, length, sums1);
        Store<Float32Elements>(s02, s12, s22, s32, row, rowBytes, token2, whole, length, sums2);
        Store<Float32Elements>(s03, s13, s23, s33, row, rowBytes, token3, whole, length, sums3);
    }

    [MethodImpl(Hot)]
    private static void FourByOne<TElements>(byte* row, nint rowBytes, float* token, int length, float* sums)
        where TElements : struct, IWeightElements
    {
        Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
        byte* row1 = row + rowBytes;
        byte* row2 = row1 + rowBytes;
        byte* row3 = row2 + rowBytes;
        int whole = WholeVectors(length);
        for (nint i = 0; i < whole; i += 2 * Vector<float>.Count)
        {
            nint at = i * TElements.Size;
            Vector<float> x = Vector.Load(token + i);
            Vector<float> y = Vector.Load(token + i + Vector<float>.Count);
            (Vector<float> w, Vector<float> v) = TElements.Load(row + at);
            s0 = Add(s0, w, x, v, y);
            (w, v) = TElements.Load(row1 + at);
            s1 = Add(s1, w, x, v, y);
            (w, v) = TElements.Load(row2 + at);
            s2 = Add(s2, w, x, v, y);
            (w, v) = TElements.Load(row3 + at);
            s3 = Add(s3, w, x, v, y);
        }
        Store<TElements>(s0, s1, s2, s3, row, rowBytes, token, whole, length, sums);
    }

    [MethodImpl(Hot)]
    private static float One<TElements>(byte* row, float* token, int length)
        where TElements : struct, IWeightElements
    {
        Vector<float> sum = default;
        int whole = WholeVectors(length);
        for (nint i = 0; i < whole; i += 2 * Vector<float>.Count)
        {
            (Vector<float> w, Vector<float> v) = TElements.Load(row + (i * TElements.Size));
            sum = Add(sum, w, Vector.Load(token + i), v, Vector.Load(token + i + Vector<float>.Count));
        }
        return Vector.Sum(sum) + Rest<TElements>(row, token, whole, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Add(Vector<float> sum, Vector<float> w, Vector<float> x, Vector<float> v, Vector<float> y) =>
        Vector.MultiplyAddEstimate(v, y, Vector.MultiplyAddEstimate(w, x, sum)); // fused if the processor supports it

    private static void Store<TElements>(Vector<float> s0, Vector<float> s1, Vector<float> s2, Vector<float> s3, byte* row, nint rowBytes,
        float* token, int whole, int length, float* sums)
        where TElements : struct, IWeightElements
    {
        sums[0] += Vector.Sum(s0) + Rest<TElements>(row, token, whole, length);
        sums[1] += Vector.Sum(s1) + Rest<TElements>(row + rowBytes, token, whole, length);
        sums[2] += Vector.Sum(s2) + Rest<TElements>(row + (2 * rowBytes), token, whole, length);
        sums[3] += Vector.Sum(s3) + Rest<TElements>(row + (3 * rowBytes), token, whole, length);
    }

    // The rest, if the length is not a multiple of two vectors.
    private static float Rest<TElements>(byte* row, float* token, int from, int length)
        where TElements : struct, IWeightElements
    {
        float sum = 0;
        for (int i = from; i < length; i++)
        {
            sum += TElements.At(row + ((nint)i * TElements.Size)) * token[i];
        }
        return sum;
    }

    private static int WholeVectors(int length) => length - (length % (2 * Vector<float>.Count));
}
