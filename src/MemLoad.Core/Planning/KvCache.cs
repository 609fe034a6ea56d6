namespace MemLoad;

/// <summary>The KV cache of a model that is served: keys and values of every layer, for each token of each sequence.</summary>
/// <param name="Bytes">The bytes of all sequences at their full length.</param>
/// <param name="Formula">The bytes as a product, for display.</param>
internal sealed record KvCache(long Bytes, string Formula)
{
    /// <summary>The types in which servers keep keys and values.</summary>
    public static readonly DType[] Types = [DType.Float16, DType.BFloat16, DType.Float32, DType.Float8E4M3FN, DType.Float8E5M2];

    /// <summary>Returns the cache of a model: for the tokens of each sequence, and the sequences at a time.</summary>
    /// <exception cref="MemLoadException">ML6040: the product does not fit 64 bits.</exception>
    public static KvCache Of(AttentionShape shape, long tokens, long sequences, DType type)
    {
        bool same = shape.KeyLength == shape.ValueLength;
        string lengths = same ? FormattableString.Invariant($"{shape.KeyLength}")
            : FormattableString.Invariant($"({shape.KeyLength} + {shape.ValueLength})");
        string formula = FormattableString.Invariant(
            $"{(same ? "2 x " : "")}{shape.LayerCount} layers x {shape.HeadCount} heads x {lengths} x {type.ElementSize()} bytes")
            + FormattableString.Invariant($" x {tokens} tokens x {sequences} sequences");
        try
        {
            long perToken = checked(shape.LayerCount * shape.HeadCount * (shape.KeyLength + shape.ValueLength) * type.ElementSize());
            return new KvCache(checked(perToken * tokens * sequences), formula);
        }
        catch (OverflowException e)
        {
            throw Rules.CacheUnknown.Broken($"{formula} does not fit 64 bits", shape.Source, innerException: e,
                remedy: $"Choose a shorter context length ({Setting.ContextLength}) or fewer sequences ({Setting.Sequences}).");
        }
    }

    /// <summary>Returns the cache for a request for a whole checkpoint; null if none is requested.</summary>
    /// <exception cref="MemLoadException">ML6040 to ML6042, and ML52xx.</exception>
    public static KvCache? Of(LoadRequest request, Checkpoint checkpoint, CancellationToken ct)
    {
        if (request.ContextLength is not long tokens)
        {
            return null;
        }
        AttentionShape shape = request.Size is string size && request.Path is null
            ? AttentionShape.Of(GptConfig.FromSize(size)) : AttentionShape.Of(checkpoint, request.Path!, tokens, ct);
        return Of(shape, tokens, request.Sequences, request.CacheDType);
    }
}
