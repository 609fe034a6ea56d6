namespace MemLoad;

internal sealed partial record GptConfig
{
    /// <summary>Checks that a model of these dimensions can run these tokens.</summary>
    /// <exception cref="MemLoadException">ML6025: a token id outside the vocabulary; ML6026: no token, or too many.</exception>
    public void RequireTokens(ReadOnlySpan<int> tokenIds)
    {
        if (tokenIds.IsEmpty)
        {
            throw Rules.TokenCountUnfit.Broken("there are no token ids");
        }
        // The logits of a very large vocabulary could exceed the maximum array length.
        int most = (int)Math.Min(ContextLength, Array.MaxLength / VocabularySize);
        if (tokenIds.Length > most)
        {
            throw Rules.TokenCountUnfit.Broken($"there are {tokenIds.Length} token ids, and the model accepts at most {most}");
        }
        for (int i = 0; i < tokenIds.Length; i++)
        {
            if (tokenIds[i] < 0 || tokenIds[i] >= VocabularySize)
            {
                throw Rules.TokenIdUnknown.Broken(string.Create(
                    CultureInfo.InvariantCulture, $"token id {tokenIds[i]} at position {i} is not in 0 to {VocabularySize - 1}"));
            }
        }
    }

    /// <summary>Checks that weights match the model: every name, with its shape and a supported type.</summary>
    /// <exception cref="MemLoadException">ML6021: a weight is missing; ML6022: the dimensions are invalid; ML6023: a weight of another
    /// dtype than float32, float16 and bfloat16; ML6024: a weight of another shape.</exception>
    public void RequireWeights(IEnumerable<TensorEntry> tensors)
    {
        var byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        foreach (TensorSpec spec in ToSpec().Tensors)
        {
            TensorEntry tensor = byName.GetValueOrDefault(spec.Name) ?? throw Missing(spec.Name);
            RequireWeight(spec, tensor.DType, tensor.Shape);
        }
    }

    internal static void RequireWeight(TensorSpec spec, DType dtype, ImmutableArray<long> shape)
    {
        if (!shape.AsSpan().SequenceEqual(spec.Shape.AsSpan()))
        {
            throw Rules.WeightShapeMismatch.Broken(
                $"the weight '{spec.Name}' has shape ({string.Join(", ", shape)}), the model's has ({string.Join(", ", spec.Shape)})");
        }
        if (dtype is not (DType.Float32 or DType.Float16 or DType.BFloat16))
        {
            throw Rules.GptDTypeUnsupported.Broken(
                $"the weight '{spec.Name}' is {dtype.TorchName()}",
                remedy: dtype.IsFloatingPoint() ? null : "Choose a checkpoint of floating-point weights: only these are cast.");
        }
    }
}
