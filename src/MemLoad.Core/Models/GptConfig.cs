namespace MemLoad;

/// <summary>
/// The dimensions of a GPT model of Sebastian Raschka's "Build a Large Language Model (From Scratch)". The architecture is that of GPT-2
/// with separate query, key and value projections. Each attention has a causal mask as a buffer. The output head is not tied to the
/// embedding.
/// </summary>
/// <param name="VocabularySize">The number of token ids: rows of the token embedding and of the output head.</param>
/// <param name="ContextLength">The maximum number of tokens of one input: rows of the position embedding, side of each mask.</param>
/// <param name="EmbeddingSize">The width of the residual stream. The feed-forward layers are four times as wide.</param>
/// <param name="LayerCount">The number of transformer blocks.</param>
/// <param name="HeadCount">The number of attention heads per block. The embedding size is a multiple of it. No shape of a tensor depends on
/// it.</param>
/// <param name="QkvBias">Whether the query, key and value projections have a bias.</param>
internal sealed partial record GptConfig(
    int VocabularySize, int ContextLength, int EmbeddingSize, int LayerCount, int HeadCount, bool QkvBias = true)
{
    // A list of the tensors would use a gigabyte.
    private const int MostLayers = 100_000;

    // The dimensions of the four GPT-2 models of OpenAI (hparams.json).
    private static readonly (string Name, GptConfig Config)[] Published =
    [
        ("gpt2-small", new GptConfig(50257, 1024, 768, 12, 12)),
        ("gpt2-medium", new GptConfig(50257, 1024, 1024, 24, 16)),
        ("gpt2-large", new GptConfig(50257, 1024, 1280, 36, 20)),
        ("gpt2-xl", new GptConfig(50257, 1024, 1600, 48, 25)),
    ];

    /// <summary>
    /// The names of the published sizes, smallest first: <c>gpt2-small</c> (124M as OpenAI counts, with a tied head), <c>-medium</c>
    /// (355M), <c>-large</c> (774M), <c>-xl</c> (1558M).
    /// </summary>
    public static ImmutableArray<string> Sizes { get; } = [.. Published.Select(size => size.Name)];

    /// <summary>The name of the published size with these dimensions, or null.</summary>
    public string? SizeName => Array.Find(Published, size => size.Config == this).Name;
    public int HeadSize => EmbeddingSize / HeadCount;

    /// <summary>Finds a published size by its name (<see cref="Sizes"/>). The case is ignored.</summary>
    public static bool TryFromSize(string size, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out GptConfig? config)
    {
        config = Array.Find(Published, published => published.Name.Equals(size, StringComparison.OrdinalIgnoreCase)).Config;
        return config is not null;
    }

    /// <summary>Returns the published size with a name. The case is ignored.</summary>
    /// <exception cref="MemLoadException">ML6008: the size is unknown.</exception>
    public static GptConfig FromSize(string size) =>
        TryFromSize(size, out GptConfig? config) ? config : throw Rules.SizeUnknown.Broken($"there is no model size '{size}'");

    /// <summary>Returns the model without memory: every parameter and buffer, in the order of the state dict in PyTorch.</summary>
    /// <param name="dtype">The element type of all tensors, masks included, as after <c>model.to(dtype)</c>.</param>
    /// <exception cref="MemLoadException">ML6022: a dimension is not positive, or the heads do not divide the embedding.</exception>
    public ModelSpec ToSpec(DType dtype = DType.Float32) =>
        new("GPTModel", [.. Layout().Select(tensor => new TensorSpec(tensor.Name, dtype, tensor.Shape, tensor.IsBuffer))]);

    /// <summary>Returns every tensor with its initial distribution in the modules of PyTorch.</summary>
    /// <exception cref="MemLoadException">ML6022.</exception>
    internal IEnumerable<GptTensor> Layout()
    {
        Check();
        return Tensors();

        IEnumerable<GptTensor> Tensors()
        {
            long width = EmbeddingSize;
            yield return new GptTensor("tok_emb.weight", [VocabularySize, width], Distribution.Normal);
            yield return new GptTensor("pos_emb.weight", [ContextLength, width], Distribution.Normal);
            for (int layer = 0; layer < LayerCount; layer++)
            {
                string block = BlockName(layer);
                // PyTorch lists the buffers of a module before its children.
                yield return new GptTensor(
                    block + "att.mask", [ContextLength, ContextLength], Distribution.UpperTriangle(ContextLength), IsBuffer: true);
                GptTensor[] tensors =
                [
                    .. Linear(block + "att.W_query", width, width, QkvBias),
                    .. Linear(block + "att.W_key", width, width, QkvBias),
                    .. Linear(block + "att.W_value", width, width, QkvBias),
                    .. Linear(block + "att.out_proj", width, width, bias: true),
                    .. Linear(block + "ff.layers.0", width, 4 * width, bias: true),
                    .. Linear(block + "ff.layers.2", 4 * width, width, bias: true),
                    .. Norm(block + "norm1", width),
                    .. Norm(block + "norm2", width),
                ];
                foreach (GptTensor tensor in tensors)
                {
                    yield return tensor;
                }
            }
            foreach (
                GptTensor tensor in (GptTensor[])[.. Norm("final_norm", width), .. Linear("out_head", width, VocabularySize, bias: false)])
            {
                yield return tensor;
            }
        }
    }

    /// <summary>The prefix of the tensor names of one block.</summary>
    internal static string BlockName(int layer) => $"trf_blocks.{layer}.";

    private static IEnumerable<GptTensor> Linear(string name, long inputs, long outputs, bool bias)
    {
        Distribution uniform = Distribution.Uniform(1 / Math.Sqrt(inputs));
        yield return new GptTensor(name + ".weight", [outputs, inputs], uniform);
        if (bias)
        {
            yield return new GptTensor(name + ".bias", [outputs], uniform);
        }
    }

    private static IEnumerable<GptTensor> Norm(string name, long width)
    {
        yield return new GptTensor(name + ".scale", [width], Distribution.Constant(1));
        yield return new GptTensor(name + ".shift", [width], Distribution.Constant(0));
    }

    // No product overflows, because each factor has 31 bits.
    private Int128 Elements()
    {
        Int128 width = EmbeddingSize;
        Int128 layer = (12 * width * width) + ((Int128)ContextLength * ContextLength);
        return (((2 * (Int128)VocabularySize) + ContextLength) * width) + (LayerCount * layer);
    }

    private void Check()
    {
        if (VocabularySize < 1 || ContextLength < 1 || EmbeddingSize < 1 || LayerCount < 1)
        {
            throw Rules.GptConfigInvalid.Broken(
                $"a model with vocabulary {VocabularySize}, context {ContextLength}, embedding {EmbeddingSize} and {LayerCount} layers "
                    + $"cannot be");
        }
        if (LayerCount > MostLayers || Elements() > long.MaxValue / sizeof(float))
        {
            throw Rules.GptConfigInvalid.Broken(
                $"a model with vocabulary {VocabularySize}, context {ContextLength}, embedding {EmbeddingSize} and {LayerCount} layers "
                    + $"is larger than any memory",
                remedy: $"Give smaller dimensions, and at most {MostLayers} layers.");
        }
        if (HeadCount < 1 || EmbeddingSize % HeadCount != 0)
        {
            throw Rules.GptConfigInvalid.Broken($"{HeadCount} attention heads do not divide an embedding of {EmbeddingSize}");
        }
    }
}

/// <summary>One parameter or buffer of a GPT model, with its initial distribution in PyTorch. The masks are buffers.</summary>
internal readonly record struct GptTensor(string Name, ImmutableArray<long> Shape, Distribution Distribution, bool IsBuffer = false);
