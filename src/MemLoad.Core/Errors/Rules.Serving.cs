namespace MemLoad;

/// <summary>Rules on the memory that a model needs for serving (ML604x).</summary>
internal static partial class Rules
{
    private const string WithoutCache = "Leave out the context length to plan the load alone";

    // The layers, heads and head sizes come from the keys of GGUF or from a config.json.
    public static Rule CacheUnknown => field ??= new("ML6040", "the model says how large its KV cache is",
        $"Put the config.json of the model beside the checkpoint. {WithoutCache} ({Setting.ContextLength}).");

    // Other kinds of attention keep fewer values or other values, or do not keep them in every layer.
    public static Rule CacheNotPlain => field ??= new("ML6041", "each layer keeps keys and values of every token",
        $"The cache of this model is not modelled, and no guess is made. {WithoutCache} ({Setting.ContextLength}).");
    public static Rule CacheOfAnother => field ??= new("ML6042", "the config.json is of the model in the checkpoint",
        $"Put the config.json of this model beside the checkpoint. {WithoutCache} ({Setting.ContextLength}).");

    public static Rule ContextLengthMissing => field ??= new("ML6043", "the size of a KV cache is that of a context length",
        $"Give the context length, too ({Setting.ContextLength}), or plan the load alone.");
}
