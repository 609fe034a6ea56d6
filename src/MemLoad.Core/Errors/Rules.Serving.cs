namespace MemLoad;

/// <summary>Rules on the memory that a model needs for serving (ML604x).</summary>
internal static partial class Rules
{
    private const string WithoutCache = "To plan the load without a KV cache, leave out the context length";

    // The layers, heads and head sizes come from the keys of GGUF or from a config.json.
    public static Rule CacheUnknown => field ??= new("ML6040", "the model states the size of its KV cache",
        $"Put the config.json of the model into the folder of the checkpoint. {WithoutCache} ({Setting.ContextLength}).");

    // Other kinds of attention keep fewer values or other values, or do not keep them in every layer.
    public static Rule CacheNotPlain => field ??= new("ML6041", "each layer keeps the keys and values of every token",
        $"MemLoad cannot compute the cache of this model. {WithoutCache} ({Setting.ContextLength}).");
    public static Rule CacheOfAnother => field ??= new("ML6042", "the config.json belongs to the model in the checkpoint",
        $"Put the config.json of this model into the folder of the checkpoint. {WithoutCache} ({Setting.ContextLength}).");

    public static Rule ContextLengthMissing => field ??= new("ML6043", "options of the KV cache are given with a context length",
        $"Also give the context length ({Setting.ContextLength}), or plan the load without a KV cache.");
}
