namespace MemLoad;

internal sealed partial record GptConfig
{
    /// <summary>
    /// Determines the dimensions of a GPT model from a state dict. It reads only the tensors that it needs. Missing or extra names and
    /// wrong shapes are detected when the state dict is compared with <see cref="ToSpec"/>. If <paramref name="heads"/> is null, the number
    /// of attention heads is that of the published size with the same width and layers.
    /// </summary>
    /// <exception cref="MemLoadException">ML6021: not a GPT model, with the first missing name; ML6020: the number of heads is not given
    /// and not known; ML6022: the heads do not divide the embedding.</exception>
    public static GptConfig Infer(IEnumerable<TensorEntry> tensors, int? heads)
    {
        Dictionary<string, TensorEntry> byName = new(StringComparer.Ordinal);
        foreach (TensorEntry tensor in tensors)
        {
            byName[tensor.Name] = tensor;
        }
        (int vocabulary, int width) = Embedding(byName, "tok_emb.weight");
        (int context, _) = Embedding(byName, "pos_emb.weight");
        int layers = CountLayers(byName.Keys);
        string[] projections = ["query", "key", "value"];
        var config = new GptConfig(vocabulary, context, width, layers, heads ?? PublishedHeads(width, layers),
            QkvBias: projections.Any(projection => byName.ContainsKey($"{BlockName(0)}att.W_{projection}.bias")));
        config.Check();
        return config;
    }

    private static int PublishedHeads(int width, int layers)
    {
        foreach ((_, GptConfig published) in Published)
        {
            if (published.EmbeddingSize == width && published.LayerCount == layers)
            {
                return published.HeadCount;
            }
        }
        throw Rules.HeadsUnknown.Broken(
            $"a GPT model with {layers} layers and embedding {width} has no known size ({string.Join(", ", Sizes)}), and shapes do not "
                + $"show the number of heads");
    }

    private static (int Rows, int Columns) Embedding(Dictionary<string, TensorEntry> tensors, string name)
    {
        if (!tensors.TryGetValue(name, out TensorEntry? tensor))
        {
            throw Missing(name);
        }
        ImmutableArray<long> shape = tensor.Shape;
        if (shape is not [>= 1 and <= int.MaxValue, >= 1 and <= int.MaxValue])
        {
            throw Rules.NotGpt.Broken($"tensor '{name}' has shape ({string.Join(", ", shape)}), not that of an embedding");
        }
        return ((int)shape[0], (int)shape[1]);
    }

    // Indices come from names in a file. They are counted in a set, so that "trf_blocks.2000000000." does not mean two billion layers.
    private static int CountLayers(IEnumerable<string> names)
    {
        const string blocks = "trf_blocks.";
        var layers = new HashSet<int>(SeededNumbers.Comparer);
        foreach (string name in names)
        {
            if (name.StartsWith(blocks, StringComparison.Ordinal)
                && name.IndexOf('.', blocks.Length) is > 0 and int end
                && int.TryParse(
                    name.AsSpan(blocks.Length, end - blocks.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int layer))
            {
                layers.Add(layer);
            }
        }
        for (int layer = 0; layer < layers.Count; layer++)
        {
            if (!layers.Contains(layer))
            {
                throw Missing(BlockName(layer) + "att.W_query.weight");
            }
        }
        return layers.Count > 0 ? layers.Count : throw Missing(BlockName(0) + "att.W_query.weight");
    }

    internal static MemLoadException Missing(string name) => Rules.NotGpt.Broken($"the tensor '{name}' of a GPT model is missing");
}
