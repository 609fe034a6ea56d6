namespace MemLoad.Torch;

/// <summary>The element types that TorchSharp supports.</summary>
internal static class TorchTypes
{
    public static torch.ScalarType? Of(DType dtype) => dtype switch
    {
        DType.UInt8 => torch.ScalarType.Byte,
        DType.Int8 => torch.ScalarType.Int8,
        DType.Int16 => torch.ScalarType.Int16,
        DType.Int32 => torch.ScalarType.Int32,
        DType.Int64 => torch.ScalarType.Int64,
        DType.Float16 => torch.ScalarType.Float16,
        DType.Float32 => torch.ScalarType.Float32,
        DType.Float64 => torch.ScalarType.Float64,
        DType.Complex64 => torch.ScalarType.ComplexFloat32,
        DType.Complex128 => torch.ScalarType.ComplexFloat64,
        DType.Bool => torch.ScalarType.Bool,
        DType.BFloat16 => torch.ScalarType.BFloat16,
        _ => null,
    };
}
