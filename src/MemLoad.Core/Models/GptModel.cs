using System.Numerics.Tensors;

namespace MemLoad;

/// <summary>
/// The GPT model of <see cref="GptConfig"/> on weights in host memory, such as a mapped file or a filled model. Weights are neither copied
/// nor converted. float16 and bfloat16 are widened to float32 in registers. Activations are float32. The owner of the weights keeps them in
/// place while the model is used. Several threads can use it.
/// </summary>
/// <remarks>
/// The architecture is that of the book. It has pre-norm blocks, LayerNorm with biased variance, and tanh GELU. The masks are part of the
/// state dict. The head is untied and has no bias. There is no dropout (evaluation mode).
/// </remarks>
internal sealed unsafe class GptModel : IGptModel
{
    // The reference keeps the owner of the memory from being finalized.
    private readonly Func<string, HostTensor> _weights;
    private readonly HostTensor _tokenEmbedding;
    private readonly HostTensor _positionEmbedding;
    private readonly Block[] _blocks;
    private readonly Norm _finalNorm;
    private readonly LinearLayer _outputHead;

    /// <summary>Finds the weights of the model, without reading them.</summary>
    /// <param name="config">The dimensions of the model.</param>
    /// <param name="weights">Returns the weight for a name of <see cref="GptConfig.ToSpec"/>. It is called once per name. Throws
    /// <see cref="KeyNotFoundException"/> for a missing weight.</param>
    /// <exception cref="MemLoadException">ML6021: a weight is missing; ML6022: the dimensions are invalid; ML6023: a weight of another
    /// dtype than float32, float16 and bfloat16; ML6024: a weight of another shape.</exception>
    public GptModel(GptConfig config, Func<string, HostTensor> weights)
    {
        Config = config;
        _weights = weights;
        Dictionary<string, HostTensor> tensors = new(StringComparer.Ordinal);
        foreach (TensorSpec spec in config.ToSpec().Tensors)
        {
            HostTensor tensor = Find(spec.Name);
            GptConfig.RequireWeight(spec, tensor.DType, tensor.Shape);
            tensors.Add(spec.Name, tensor);
        }

        _tokenEmbedding = tensors["tok_emb.weight"];
        _positionEmbedding = tensors["pos_emb.weight"];
        _blocks = new Block[config.LayerCount];
        for (int layer = 0; layer < _blocks.Length; layer++)
        {
            string name = GptConfig.BlockName(layer);
            _blocks[layer] = new Block(
                FindNorm(name + "norm1"),
                FindLinear(name + "att.W_query"),
                FindLinear(name + "att.W_key"),
                FindLinear(name + "att.W_value"),
                tensors[name + "att.mask"],
                FindLinear(name + "att.out_proj"),
                FindNorm(name + "norm2"),
                FindLinear(name + "ff.layers.0"),
                FindLinear(name + "ff.layers.2"));
        }
        _finalNorm = FindNorm("final_norm");
        _outputHead = FindLinear("out_head");

        HostTensor Find(string name)
        {
            try
            {
                return weights(name);
            }
            catch (KeyNotFoundException)
            {
                throw GptConfig.Missing(name);
            }
        }

        LinearLayer FindLinear(string name) =>
            new(tensors[name + ".weight"], tensors.TryGetValue(name + ".bias", out HostTensor bias) ? bias : null);

        Norm FindNorm(string name) => new(tensors[name + ".scale"], tensors[name + ".shift"]);
    }

    public GptConfig Config { get; }

    /// <summary>
    /// Returns the most likely token by one row of the result of <see cref="Forward"/>. It is the id of the largest logit. Of equal logits,
    /// the first counts. If a logit is NaN, it is the id of the first NaN.
    /// </summary>
    public static int MostLikelyToken(ReadOnlySpan<float> logits) => TensorPrimitives.IndexOfMax(logits);

    /// <inheritdoc/>
    /// <remarks>
    /// Uses all cores. Each weight is read from memory once. Besides the result, only the activations need memory: about 10 · tokens ·
    /// embedding numbers. Cancellation is checked about every millisecond.
    /// </remarks>
    public float[] Forward(ReadOnlySpan<int> tokenIds, CancellationToken cancellationToken = default)
    {
        Config.RequireTokens(tokenIds);
        var options = new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount };
        int tokens = tokenIds.Length;
        int width = Config.EmbeddingSize;
        using ActivationMatrix residual = new(tokens, width), normalized = new(tokens, width), context = new(tokens, width);
        using ActivationMatrix query = new(tokens, width), key = new(tokens, width), value = new(tokens, width);
        using var hidden = new ActivationMatrix(tokens, checked(4 * width));

        Embed(tokenIds, residual);
        foreach (Block block in _blocks)
        {
            block.Norm1.Apply(residual, normalized);
            Apply(block.Query, normalized, query, options);
            Apply(block.Key, normalized, key, options);
            Apply(block.Value, normalized, value, options);
            MaskedAttention.Attend(block.Mask, Config.HeadCount, query, key, value, context, options);
            block.OutputProjection.Add(context, residual.Address, options);

            block.Norm2.Apply(residual, normalized);
            Apply(block.Expansion, normalized, hidden, options);
            Parallel.For(0, tokens, options, token => ActivationFunctions.Gelu(hidden[token]));
            block.Contraction.Add(hidden, residual.Address, options);
        }
        _finalNorm.Apply(residual, normalized);
        float[] logits = new float[(long)tokens * Config.VocabularySize];
        fixed (float* sums = logits)
        {
            _outputHead.Add(normalized, sums, options);
        }
        GC.KeepAlive(_weights);
        return logits;
    }

    private static void Apply(LinearLayer layer, ActivationMatrix input, ActivationMatrix output, ParallelOptions options)
    {
        output.Clear();
        layer.Add(input, output.Address, options);
    }

    private void Embed(ReadOnlySpan<int> tokenIds, ActivationMatrix output)
    {
        float[] position = new float[output.Width];
        for (int token = 0; token < tokenIds.Length; token++)
        {
            WeightReader.Read(_tokenEmbedding, (long)tokenIds[token] * output.Width, output[token]);
            WeightReader.Read(_positionEmbedding, (long)token * output.Width, position);
            TensorPrimitives.Add(output[token], position, output[token]);
        }
    }

    private sealed record Block(Norm Norm1, LinearLayer Query, LinearLayer Key, LinearLayer Value, HostTensor Mask,
        LinearLayer OutputProjection, Norm Norm2, LinearLayer Expansion, LinearLayer Contraction);

    private readonly record struct Norm(HostTensor Scale, HostTensor Shift)
    {
        public void Apply(ActivationMatrix input, ActivationMatrix output)
        {
            float[] scale = new float[input.Width];
            float[] shift = new float[input.Width];
            WeightReader.Read(Scale, 0, scale);
            WeightReader.Read(Shift, 0, shift);
            for (int token = 0; token < input.Tokens; token++)
            {
                ActivationFunctions.LayerNorm(input[token], scale, shift, output[token]);
            }
        }
    }
}
