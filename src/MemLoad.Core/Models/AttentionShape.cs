using System.Text.RegularExpressions;

namespace MemLoad;

/// <summary>
/// The shape of the keys and values that a model keeps for each token. The keys of GGUF state it, or a <c>config.json</c> in the folder of
/// the checkpoint. Only plain attention is supported: every layer keeps keys and values for every token. Any field of another kind of
/// attention is refused.
/// </summary>
/// <param name="LayerCount">The layers.</param>
/// <param name="HeadCount">The heads with separate keys and values, per layer.</param>
/// <param name="KeyLength">The elements of a key, per head.</param>
/// <param name="ValueLength">The elements of a value, per head.</param>
/// <param name="Source">The file that states the shape, for errors.</param>
/// <remarks>Sources: ggml, docs/gguf.md; transformers, configuration_utils.py and the configurations of its models.</remarks>
internal sealed partial record AttentionShape(long LayerCount, long HeadCount, long KeyLength, long ValueLength, string? Source)
{
    private const long LargestConfig = 4 << 20;
    private const string ConfigName = "config.json";

    private static readonly JsonRules ConfigRules = new(Rules.CacheUnknown, Rules.CacheUnknown, Rules.CacheUnknown, Rules.CacheUnknown);

    // Parts of names of fields that other kinds of attention have: latent (MLA), recurrent and hybrid models, caches that layers share,
    // encoders.
    private static readonly string[] OtherKinds =
    [
        "lora_rank", "mla", "qk_nope", "qk_rope", "ssm", "mamba", "rwkv", "wkv", "recurrent", "linear_", "conv_", "shortconv", "hybrid",
        "layers_block_type", "attn_layer", "full_attention", "kv_shared", "shared_kv", "cross_attention", "encoder_decoder",
        "decoder_block_count", "nextn_predict", "compress", "multi_query", "attention_types", "time_mix",
    ];

    // The endings of the names of classes that write text token by token.
    private static readonly string[] Generators = ["CausalLM", "LMHeadModel", "ConditionalGeneration"];

    public static AttentionShape Of(GptConfig config) => new(config.LayerCount, config.HeadCount, config.HeadSize, config.HeadSize, null);

    /// <summary>Returns the shape that a checkpoint states, or the config.json in its folder.</summary>
    /// <param name="checkpoint">The whole checkpoint.</param>
    /// <param name="path">The path as it was given. It can have the parts of the address of a server that messages do not show.</param>
    /// <param name="tokens">The context length. A window of attention that is not shorter has no effect.</param>
    /// <param name="ct">Stops the reading.</param>
    /// <exception cref="MemLoadException">ML6040 to ML6042, and ML52xx.</exception>
    public static AttentionShape Of(Checkpoint checkpoint, string path, long tokens, CancellationToken ct)
    {
        AttentionShape shape = checkpoint.Format == CheckpointFormat.Gguf ? OfGguf(checkpoint.Metadata, checkpoint.Path, tokens)
            : OfConfig(checkpoint, path, tokens, ct);
        shape.RequireSame(checkpoint);
        return shape;
    }

    /// <summary>Returns the shape that the keys of a GGUF file state.</summary>
    internal static AttentionShape OfGguf(IReadOnlyDictionary<string, object?> keys, string path, long tokens)
    {
        string architecture = keys.GetValueOrDefault("general.architecture") as string
            ?? throw Rules.CacheUnknown.Broken("the file has no key general.architecture", path, remedy: Alone);
        var facts = new Facts(
            keys.Where(pair => pair.Key.StartsWith(architecture + ".", StringComparison.Ordinal))
                .ToDictionary(pair => pair.Key[(architecture.Length + 1)..], pair => pair.Value, StringComparer.Ordinal),
            path, architecture + ".");
        facts.RefuseOtherKinds();
        facts.RefuseWindow("attention.sliding_window", tokens);
        if (facts.IsFalse("attention.causal"))
        {
            throw facts.Other("attention.causal");
        }
        long heads = facts.Number("attention.head_count");
        long head = facts.Optional("attention.key_length") ?? facts.Quotient("embedding_length", "attention.head_count");
        return new AttentionShape(facts.Number("block_count"), facts.Optional("attention.head_count_kv") ?? heads, head,
            facts.Optional("attention.value_length") ?? head, path);
    }

    /// <summary>Returns the shape that the values of a config.json state. Their names are dotted.</summary>
    internal static AttentionShape OfConfig(IReadOnlyDictionary<string, object?> fields, string path, long tokens)
    {
        const string Text = "text_config.";
        string[] classes = [.. fields.Where(field => field.Key.StartsWith("architectures.", StringComparison.Ordinal))
            .Select(field => field.Value as string ?? "")];
        if (classes.Length > 0 && !classes.Any(name => Generators.Any(ending => name.EndsWith(ending, StringComparison.Ordinal))))
        {
            throw Rules.CacheNotPlain.Broken(
                $"the model is {Printable.Quote(classes[0])}, which does not generate text token by token", path);
        }
        bool nested = fields.Keys.Any(name => name.StartsWith(Text, StringComparison.Ordinal));
        var facts = new Facts(
            fields.Where(field => !nested || field.Key.StartsWith(Text, StringComparison.Ordinal))
                .ToDictionary(field => nested ? field.Key[Text.Length..] : field.Key, field => field.Value, StringComparer.Ordinal),
            path, nested ? Text : "");
        facts.RefuseOtherKinds();
        if (!facts.IsFalse("use_sliding_window"))
        {
            facts.RefuseWindow("sliding_window", tokens);
        }
        facts.RefuseWindow("attention_chunk_size", tokens);
        facts.RefuseLayerTypes();
        // GPT-2 and its relatives have short names.
        bool brief = facts.Optional("n_head") is not null && facts.Optional("num_attention_heads") is null;
        (string layers, string heads, string width) = brief ? ("n_layer", "n_head", "n_embd")
            : ("num_hidden_layers", "num_attention_heads", "hidden_size");
        long? own = facts.Optional("num_key_value_heads");
        if (own is null)
        {
            facts.RefuseIfAny("num_kv_heads", "n_head_kv", "kv_n_heads", "multi_query_group_num", "num_query_groups");
        }
        long head = facts.Optional("head_dim") ?? facts.Quotient(width, heads);
        return new AttentionShape(facts.Number(layers), own ?? facts.Number(heads), head, facts.Optional("v_head_dim") ?? head, path);
    }

    private static Remedy Alone => (Remedy)$"To plan the load without a KV cache, leave out the context length ({Setting.ContextLength}).";

    private static AttentionShape OfConfig(Checkpoint checkpoint, string path, long tokens, CancellationToken ct)
    {
        using WholeFile? file = RemoteAddress.Is(path) ? OpenRemote(checkpoint, path, ct) : OpenLocal(checkpoint);
        if (file is null)
        {
            throw Rules.CacheUnknown.Broken($"there is no {ConfigName} in the folder of the checkpoint", checkpoint.Path);
        }
        if (file.Length > LargestConfig)
        {
            throw Rules.CacheUnknown.Broken($"the file has {file.Length} bytes, more than {LargestConfig}", file.Path);
        }
        var budget = FileBudget.Alone(file.Path);
        budget.Grant(file.Length);
        return OfConfig(StrictJson.ReadScalars(file.ReadBytes(0, file.Length), ConfigRules, budget), file.Path, tokens);
    }

    private static CheckpointFileReader? OpenLocal(Checkpoint checkpoint)
    {
        string folder = Directory.Exists(checkpoint.Path) ? checkpoint.Path : Path.GetDirectoryName(checkpoint.Path)!;
        string config = HubCache.Follow(Path.Combine(folder, ConfigName));
        return File.Exists(config) ? CheckpointFileReader.Open(config) : null;
    }

    private static RemoteFile? OpenRemote(Checkpoint checkpoint, string path, CancellationToken ct)
    {
        using var session = new RemoteSession(path, OpenLimits.FromEnvironment(), ct);
        return session.TryOpenWhole(RemoteSession.InFolderOf(checkpoint.Path, ConfigName), LargestConfig);
    }

    // The projection of keys has one row per element of the keys of all heads.
    private void RequireSame(Checkpoint checkpoint)
    {
        foreach (TensorEntry tensor in checkpoint.Tensors)
        {
            if (KeyProjection().Match(tensor.Name) is not { Success: true } match || tensor.Shape.Length != 2
                || (tensor.DType.Layout().Elements == 1 && !tensor.DType.IsFloatingPoint()))
            {
                continue;
            }
            if (tensor.Shape[0] != (Int128)HeadCount * KeyLength
                || long.Parse(match.Groups["layer"].Value, CultureInfo.InvariantCulture) >= LayerCount)
            {
                throw Rules.CacheOfAnother.Broken(
                    $"{LayerCount} layers with keys of {HeadCount} heads x {KeyLength} are stated, and tensor "
                        + $"{Printable.Quote(tensor.Name)} has the shape ({string.Join(", ", tensor.Shape)})",
                    Source);
            }
        }
    }

    [GeneratedRegex(
        @"^(model\.)?(language_model\.)?(model\.)?layers\.(?<layer>[0-9]{1,9})\.self_attn\.k_proj\.weight\z"
            + @"|^blk\.(?<layer>[0-9]{1,9})\.attn_k\.weight\z"
    )]
    private static partial Regex KeyProjection();

    // Named values, and the errors for values that are missing or have another type.
    private sealed class Facts(Dictionary<string, object?> values, string path, string prefix)
    {
        public long? Optional(string name) => values.GetValueOrDefault(name) switch
        {
            null => null,
            long number and > 0 => number,
            string text when text.StartsWith("arr[", StringComparison.Ordinal) =>
                throw Rules.CacheNotPlain.Broken($"{prefix}{name} differs by layer", path),
            object other => throw Rules.CacheUnknown.Broken(
                $"{prefix}{name} is {Printable.Quote(Convert.ToString(other, CultureInfo.InvariantCulture) ?? "")}", path, remedy: Alone),
        };

        public long Number(string name) =>
            Optional(name) ?? throw Rules.CacheUnknown.Broken($"there is no {prefix}{name}", path, remedy: Alone);

        public long Quotient(string whole, string parts) => Number(whole) % Number(parts) == 0 ? Number(whole) / Number(parts)
            : throw Rules.CacheUnknown.Broken(
                $"{prefix}{whole} is {Number(whole)}, which is not a multiple of {prefix}{parts}, {Number(parts)}", path, remedy: Alone);

        public bool IsFalse(string name) => values.GetValueOrDefault(name) is false;

        public void RefuseIfAny(params ReadOnlySpan<string> names)
        {
            foreach (string name in names)
            {
                if (IsSet(values.GetValueOrDefault(name)))
                {
                    throw Other(name);
                }
            }
        }

        public void RefuseOtherKinds()
        {
            foreach ((string name, object? value) in values)
            {
                // The fields of nested objects describe other parts, such as the scaling of positions.
                string field = prefix.EndsWith("text_config.", StringComparison.Ordinal) || prefix.Length == 0 ? name.Split('.')[0] : name;
                if (IsSet(value) && (field == name || IsItem(name))
                    && OtherKinds.Any(kind => field.Contains(kind, StringComparison.OrdinalIgnoreCase)))
                {
                    throw Other(field);
                }
            }
        }

        public void RefuseWindow(string name, long tokens)
        {
            if (Optional(name) is long window && window < tokens)
            {
                throw Rules.CacheNotPlain.Broken(
                    $"{prefix}{name} is {window}, and layers keep no more tokens than that",
                    path,
                    remedy: $"MemLoad can compute the cache of this model up to that context length. Give it, or leave it out to plan the "
                        + $"load without a KV cache ({Setting.ContextLength}).");
            }
        }

        public void RefuseLayerTypes()
        {
            foreach ((string name, object? value) in values)
            {
                if (name.StartsWith("layer_types.", StringComparison.Ordinal)
                    && value is not ("full_attention" or "sliding_attention" or "chunked_attention"))
                {
                    throw Other($"layer_types ({Convert.ToString(value, CultureInfo.InvariantCulture)})");
                }
            }
        }

        private static bool IsSet(object? value) => value is not (null or false or 0L or "");

        private static bool IsItem(string name) =>
            int.TryParse(name[(name.LastIndexOf('.') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _);

        public MemLoadException Other(string name) => Rules.CacheNotPlain.Broken($"the model has {Printable.Quote(prefix + name)}", path);
    }
}
