namespace MemLoad;

/// <summary>The types that models are built in and that weights are cast to: three of the types of <see cref="DType"/>.</summary>
public enum CastDType
{
    /// <summary>torch.bfloat16.</summary>
    BFloat16 = DType.BFloat16,
    /// <summary>torch.float16.</summary>
    Float16 = DType.Float16,
    /// <summary>torch.float32.</summary>
    Float32 = DType.Float32,
}
