using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MemLoad.Torch;

/// <summary>
/// The GPT model of <see cref="GptConfig"/>. libtorch computes it on the device and in the type of its weights, as the modules of the book
/// do.
/// </summary>
internal sealed class TorchGptModel : IGptModel
{
    private const double LayerNormEpsilon = 1e-5;

    private readonly TorchStateDict _weights;

    /// <exception cref="MemLoadException">ML602x: the weights do not match the model; ML7021: the weights are not tensors of
    /// libtorch.</exception>
    public TorchGptModel(GptConfig config, LoadedWeights weights)
    {
        config.RequireWeights(weights.Tensors);
        Config = config;
        _weights = weights.AsTorch();
    }

    public GptConfig Config { get; }

    public float[] Forward(ReadOnlySpan<int> tokenIds, CancellationToken cancellationToken = default)
    {
        Config.RequireTokens(tokenIds);
        long[] ids = [.. tokenIds];
        try
        {
            return Forward(ids, cancellationToken);
        }
        catch (ExternalException e)
        {
            throw TorchErrors.From(e.Message, e);
        }
    }

    private float[] Forward(long[] ids, CancellationToken cancellationToken)
    {
        // Every tensor of the pass belongs to a scope, which frees it. No tensor waits for the garbage collector.
        using DisposeScope pass = NewDisposeScope();
        using IDisposable inference = inference_mode();
        Tensor tokens = _weights["tok_emb.weight"];
        Tensor residual = tokens.index_select(0, tensor(ids, device: tokens.device)) + _weights["pos_emb.weight"].narrow(0, 0, ids.Length);
        for (int layer = 0; layer < Config.LayerCount; layer++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            string name = $"trf_blocks.{layer}.";
            using DisposeScope block = NewDisposeScope();
            residual.add_(Attention(name + "att.", Norm(name + "norm1", residual)));
            residual.add_(Linear(name + "ff.layers.2",
                nn.functional.gelu(Linear(name + "ff.layers.0", Norm(name + "norm2", residual)), GELU.Approximate.tanh)));
        }
        cancellationToken.ThrowIfCancellationRequested();
        Tensor logits = Linear("out_head", Norm("final_norm", residual)).to(ScalarType.Float32).cpu().contiguous();
        return logits.data<float>().ToArray();
    }

    private Tensor Attention(string name, Tensor input)
    {
        long count = input.shape[0];
        Tensor query = Heads(Linear(name + "W_query", input));
        Tensor key = Heads(Linear(name + "W_key", input));
        Tensor value = Heads(Linear(name + "W_value", input));
        Tensor mask = _weights[name + "mask"].narrow(0, 0, count).narrow(1, 0, count).@bool();
        Tensor scores = query.matmul(key.transpose(1, 2)).masked_fill_(mask, double.NegativeInfinity);
        Tensor context = scores.div_(Math.Sqrt(Config.HeadSize)).softmax(-1).matmul(value);
        return Linear(name + "out_proj", context.transpose(0, 1).reshape(count, Config.EmbeddingSize));

        Tensor Heads(Tensor projected) => projected.view(count, Config.HeadCount, Config.HeadSize).transpose(0, 1);
    }

    private Tensor Linear(string name, Tensor input)
    {
        bool biased = _weights.Names.Contains(name + ".bias");
        return nn.functional.linear(input, _weights[name + ".weight"], biased ? _weights[name + ".bias"] : null);
    }

    private Tensor Norm(string name, Tensor input) =>
        nn.functional.layer_norm(input, [Config.EmbeddingSize], _weights[name + ".scale"], _weights[name + ".shift"], LayerNormEpsilon);
}
