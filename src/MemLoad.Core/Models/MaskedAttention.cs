using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// Multi-head attention with a mask of the weights. A query attends to the keys for which the element of the mask is zero. The state dict
/// determines whether the mask is causal. The code does not assume it.
/// </summary>
internal static unsafe class MaskedAttention
{
    // The queries that one core computes at a time. Their scores for all keys fit its cache.
    private const int MostQueries = 16;

    // Vectors of the context vector that are summed in registers at a time.
    private const int BlockVectors = 4;

    /// <summary>
    /// Computes softmax(q kᵀ / √headSize, masked) v for every head and token. All matrices are (tokens, heads · headSize), and head h has
    /// columns [h · headSize, (h + 1) · headSize). The mask is (context, context), at least the number of tokens, and its non-zero elements
    /// become −∞.
    /// </summary>
    public static void Attend(
        HostTensor mask, int headCount, ActivationMatrix query, ActivationMatrix key, ActivationMatrix value, ActivationMatrix context,
        ParallelOptions options) =>
        Parallel.For(0, ((query.Tokens - 1) / MostQueries) + 1, options, block =>
        {
            int first = block * MostQueries;
            AttendBlock(mask, headCount, first, Math.Min(MostQueries, query.Tokens - first), query, key, value, context);
        });

    private static void AttendBlock(HostTensor mask, int headCount, int firstQuery, int queryCount, ActivationMatrix query,
        ActivationMatrix key, ActivationMatrix value, ActivationMatrix context)
    {
        int width = query.Width;
        int headSize = width / headCount;
        int tokens = query.Tokens;
        float scale = 1 / MathF.Sqrt(headSize);
        float[] rented = ArrayPool<float>.Shared.Rent(checked(2 * queryCount * tokens));
        Span<float> ceilings = rented.AsSpan(0, queryCount * tokens);
        Span<float> scores = rented.AsSpan(queryCount * tokens, queryCount * tokens);
        int keyCount = ReadMask(mask, firstQuery, queryCount, tokens, ceilings);
        for (int head = 0; head < headCount; head++)
        {
            nint column = (nint)head * headSize;
            nint firstAt = ((nint)firstQuery * width) + column;
            scores.Clear();
            fixed (float* sums = scores)
            {
                DotProducts.Accumulate<Float32Elements>((byte*)(key.Address + column), (nint)width * sizeof(float), keyCount,
                    query.Address + firstAt, width, queryCount, headSize, sums, tokens);
                for (int i = 0; i < queryCount; i++)
                {
                    Span<float> row = scores.Slice(i * tokens, keyCount);
                    TensorPrimitives.Min(row, ceilings.Slice(i * tokens, keyCount), row);
                    ActivationFunctions.ScaledSoftmax(row, scale);
                    float* result = context.Address + firstAt + ((nint)i * width);
                    WeightedSum(sums + (i * tokens), keyCount, value.Address + column, width, result, headSize);
                }
            }
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    // Writes a maximum per score: −∞ if the mask is set, otherwise +∞. Returns the number of keys up to the last key that a query attends
    // to. If the mask permits no key, all keys count, because softmax of only −∞ is NaN, as in PyTorch.
    private static int ReadMask(HostTensor mask, int firstQuery, int queryCount, int tokens, Span<float> ceilings)
    {
        int keyCount = 0;
        for (int i = 0; i < queryCount; i++)
        {
            Span<float> row = ceilings.Slice(i * tokens, tokens);
            WeightReader.Read(mask, (firstQuery + i) * mask.Shape[1], row);
            for (int k = 0; k < tokens; k++)
            {
                bool open = row[k] == 0;
                row[k] = open ? float.PositiveInfinity : float.NegativeInfinity;
                if (open && k >= keyCount)
                {
                    keyCount = k + 1;
                }
            }
        }
        return keyCount == 0 ? tokens : keyCount;
    }

    /// <summary>Adds up rows of values, each multiplied by its weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WeightedSum(float* weights, int count, float* values, nint stride, float* sum, int length)
    {
        int column = 0;
        for (; column <= length - (BlockVectors * Vector<float>.Count); column += BlockVectors * Vector<float>.Count)
        {
            Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
            float* at = values + column;
            for (int i = 0; i < count; i++, at += stride)
            {
                var weight = new Vector<float>(weights[i]);
                s0 = Vector.MultiplyAddEstimate(weight, Vector.Load(at), s0);
                s1 = Vector.MultiplyAddEstimate(weight, Vector.Load(at + Vector<float>.Count), s1);
                s2 = Vector.MultiplyAddEstimate(weight, Vector.Load(at + (2 * Vector<float>.Count)), s2);
                s3 = Vector.MultiplyAddEstimate(weight, Vector.Load(at + (3 * Vector<float>.Count)), s3);
            }
            s0.Store(sum + column);
            s1.Store(sum + column + Vector<float>.Count);
            s2.Store(sum + column + (2 * Vector<float>.Count));
            s3.Store(sum + column + (3 * Vector<float>.Count));
        }
        for (; column < length; column++)
        {
            float s = 0;
            for (int i = 0; i < count; i++)
            {
                s += weights[i] * values[column + (i * stride)];
            }
            sum[column] = s;
        }
    }
}
