namespace MemLoad;

/// <summary>The types of keys and values in a KV cache: five of the types of <see cref="DType"/>.</summary>
public enum CacheDType
{
    /// <summary>torch.float16.</summary>
    Float16 = DType.Float16,
    /// <summary>torch.bfloat16.</summary>
    BFloat16 = DType.BFloat16,
    /// <summary>torch.float32.</summary>
    Float32 = DType.Float32,
    /// <summary>torch.float8_e4m3fn.</summary>
    Float8E4M3FN = DType.Float8E4M3FN,
    /// <summary>torch.float8_e5m2.</summary>
    Float8E5M2 = DType.Float8E5M2,
}
