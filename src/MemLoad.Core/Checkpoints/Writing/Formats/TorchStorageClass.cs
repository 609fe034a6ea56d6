namespace MemLoad;

/// <summary>
/// The storage classes of PyTorch before 2.0, which .pth files still use for most storages (torch/__init__.py and
/// torch/storage.py, <c>_dtype_to_storage_type_map</c>, of 2.6).
/// </summary>
internal static class TorchStorageClass
{
    /// <summary>Returns the class in module <c>torch</c>. Null for later types, which are in untyped storages.</summary>
    public static string? Of(DType dtype) => dtype switch
    {
        DType.Float32 => "FloatStorage",
        DType.Float64 => "DoubleStorage",
        DType.Float16 => "HalfStorage",
        DType.BFloat16 => "BFloat16Storage",
        DType.Int8 => "CharStorage",
        DType.UInt8 => "ByteStorage",
        DType.Int16 => "ShortStorage",
        DType.Int32 => "IntStorage",
        DType.Int64 => "LongStorage",
        DType.Bool => "BoolStorage",
        DType.Complex64 => "ComplexFloatStorage",
        DType.Complex128 => "ComplexDoubleStorage",
        _ => null,
    };
}
