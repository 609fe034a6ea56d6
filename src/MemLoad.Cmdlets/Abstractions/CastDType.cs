namespace MemLoad;

/// <summary>What models are made in and weights are cast to: the three types of <see cref="DType"/> that are offered.</summary>
public enum CastDType
{
    /// <summary>torch.bfloat16.</summary>
    BFloat16 = DType.BFloat16,
    /// <summary>torch.float16.</summary>
    Float16 = DType.Float16,
    /// <summary>torch.float32.</summary>
    Float32 = DType.Float32,
}
