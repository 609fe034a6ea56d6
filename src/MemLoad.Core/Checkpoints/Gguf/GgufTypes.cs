namespace MemLoad;

/// <summary>The numbers that GGUF gives to the types of tensors (<c>enum ggml_type</c> of ggml.h, of August 2026).</summary>
internal static class GgufTypes
{
    // The types by number; null for a type that ggml has removed.
    private static readonly DType?[] ByNumber =
    [
        DType.Float32, DType.Float16, DType.Q40, DType.Q41, null, null, DType.Q50, DType.Q51,
        DType.Q80, DType.Q81, DType.Q2K, DType.Q3K, DType.Q4K, DType.Q5K, DType.Q6K, DType.Q8K,
        DType.IQ2XXS, DType.IQ2XS, DType.IQ3XXS, DType.IQ1S, DType.IQ4NL, DType.IQ3S, DType.IQ2S, DType.IQ4XS,
        DType.Int8, DType.Int16, DType.Int32, DType.Int64, DType.Float64, DType.IQ1M, DType.BFloat16, null,
        null, null, DType.TQ10, DType.TQ20, null, null, null, DType.MXFP4,
        DType.NVFP4, DType.Q10, DType.Q20,
    ];

    /// <summary>Returns the type of a number. Returns false if ggml has no type with this number.</summary>
    public static bool TryOf(uint number, out DType dtype)
    {
        DType? known = number < ByNumber.Length ? ByNumber[number] : null;
        dtype = known.GetValueOrDefault();
        return known is not null;
    }

    /// <summary>Describes a number that is not a type.</summary>
    public static string Describe(uint number) => number switch
    {
        < 43 => "a type that ggml has removed",
        > 100 and < 1000 => "a type of a program derived from llama.cpp and not of ggml itself",
        _ => "not a type of ggml",
    };
}
