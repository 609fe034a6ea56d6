using System.Numerics;
using System.Numerics.Tensors;

namespace MemLoad;

/// <summary>The functions on activations between linear layers, as the modules of the book compute them.</summary>
internal static class ActivationFunctions
{
    private const float LayerNormEpsilon = 1e-5f;

    /// <summary>LayerNorm of one token: scale · (x − mean) / √(variance + 1e-5) + shift, with the biased variance.</summary>
    public static void LayerNorm(ReadOnlySpan<float> input, ReadOnlySpan<float> scale, ReadOnlySpan<float> shift, Span<float> output)
    {
        float mean = TensorPrimitives.Sum(input) / input.Length;
        TensorPrimitives.Subtract(input, mean, output);
        float variance = TensorPrimitives.SumOfSquares((ReadOnlySpan<float>)output) / input.Length;
        TensorPrimitives.Multiply(output, 1 / MathF.Sqrt(variance + LayerNormEpsilon), output);
        TensorPrimitives.MultiplyAdd(output, scale, shift, output);
    }

    /// <summary>GELU in its tanh form, in place: 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))).</summary>
    public static void Gelu(Span<float> values)
    {
        // 0.5 (1 + tanh u) is 1 / (1 + exp(−2u)). This form needs one exponential and has no cancellation near tanh = −1.
        const float linear = -1.5957691216f; // −2 √(2/π)
        const float cubic = linear * 0.044715f;
        ref float first = ref MemoryMarshal.GetReference(values);
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> x = Vector.LoadUnsafe(ref first, (nuint)i);
            Vector<float> exponent = x * ((x * x * new Vector<float>(cubic)) + new Vector<float>(linear));
            (x / (Vector<float>.One + Vector.Exp(exponent))).StoreUnsafe(ref first, (nuint)i);
        }
        for (; i < values.Length; i++)
        {
            float x = values[i];
            values[i] = x / (1 + MathF.Exp(x * ((x * x * cubic) + linear)));
        }
    }

    /// <summary>
    /// Softmax of scores before scaling, in place. Scores of −∞ become 0. If all scores are −∞, every result is NaN, as in PyTorch.
    /// </summary>
    public static void ScaledSoftmax(Span<float> scores, float scale)
    {
        TensorPrimitives.Subtract(scores, TensorPrimitives.Max((ReadOnlySpan<float>)scores), scores);
        TensorPrimitives.Multiply(scores, scale, scores);
        TensorPrimitives.Exp(scores, scores);
        TensorPrimitives.Divide(scores, TensorPrimitives.Sum((ReadOnlySpan<float>)scores), scores);
    }
}
