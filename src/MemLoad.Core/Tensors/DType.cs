namespace MemLoad;

/// <summary>Element types of tensors. Sizes and names are those of PyTorch 2.6.</summary>
public enum DType : byte
{
    /// <summary>torch.float32, 4 bytes.</summary>
    Float32,
    /// <summary>torch.float64, 8 bytes.</summary>
    Float64,
    /// <summary>torch.float16 (IEEE binary16), 2 bytes.</summary>
    Float16,
    /// <summary>torch.bfloat16, 2 bytes.</summary>
    BFloat16,
    /// <summary>torch.float8_e4m3fn, 1 byte.</summary>
    Float8E4M3FN,
    /// <summary>torch.float8_e5m2, 1 byte.</summary>
    Float8E5M2,
    /// <summary>torch.float8_e4m3fnuz, 1 byte.</summary>
    Float8E4M3FNUZ,
    /// <summary>torch.float8_e5m2fnuz, 1 byte.</summary>
    Float8E5M2FNUZ,
    /// <summary>torch.float8_e8m0fnu (PyTorch 2.7 and later), 1 byte.</summary>
    Float8E8M0FNU,
    /// <summary>torch.int8, 1 byte.</summary>
    Int8,
    /// <summary>torch.uint8, 1 byte.</summary>
    UInt8,
    /// <summary>torch.int16, 2 bytes.</summary>
    Int16,
    /// <summary>torch.uint16, 2 bytes.</summary>
    UInt16,
    /// <summary>torch.int32, 4 bytes.</summary>
    Int32,
    /// <summary>torch.uint32, 4 bytes.</summary>
    UInt32,
    /// <summary>torch.int64, 8 bytes.</summary>
    Int64,
    /// <summary>torch.uint64, 8 bytes.</summary>
    UInt64,
    /// <summary>torch.bool, 1 byte.</summary>
    Bool,
    /// <summary>torch.complex32 (two binary16), 4 bytes.</summary>
    Complex32,
    /// <summary>torch.complex64 (two binary32), 8 bytes.</summary>
    Complex64,
    /// <summary>torch.complex128 (two binary64), 16 bytes.</summary>
    Complex128,
    /// <summary>torch.bits8, 1 opaque byte.</summary>
    Bits8,
    /// <summary>torch.bits16, 2 opaque bytes.</summary>
    Bits16,
    /// <summary>torch.bits1x8, 1 opaque byte of eight bits.</summary>
    Bits1x8,
    /// <summary>torch.bits2x4, 1 opaque byte of four pairs.</summary>
    Bits2x4,
    /// <summary>torch.bits4x2, 1 opaque byte of two halves.</summary>
    Bits4x2,
}

/// <summary>Facts about each <see cref="DType"/>.</summary>
public static class DTypes
{
    private static readonly (DType DType, string Name, int Size, string? Safetensors)[] Table =
    [
        (DType.Float32, "float32", 4, "F32"),
        (DType.Float64, "float64", 8, "F64"),
        (DType.Float16, "float16", 2, "F16"),
        (DType.BFloat16, "bfloat16", 2, "BF16"),
        (DType.Float8E4M3FN, "float8_e4m3fn", 1, "F8_E4M3"),
        (DType.Float8E5M2, "float8_e5m2", 1, "F8_E5M2"),
        (DType.Float8E4M3FNUZ, "float8_e4m3fnuz", 1, "F8_E4M3FNUZ"),
        (DType.Float8E5M2FNUZ, "float8_e5m2fnuz", 1, "F8_E5M2FNUZ"),
        (DType.Float8E8M0FNU, "float8_e8m0fnu", 1, "F8_E8M0"),
        (DType.Int8, "int8", 1, "I8"),
        (DType.UInt8, "uint8", 1, "U8"),
        (DType.Int16, "int16", 2, "I16"),
        (DType.UInt16, "uint16", 2, "U16"),
        (DType.Int32, "int32", 4, "I32"),
        (DType.UInt32, "uint32", 4, "U32"),
        (DType.Int64, "int64", 8, "I64"),
        (DType.UInt64, "uint64", 8, "U64"),
        (DType.Bool, "bool", 1, "BOOL"),
        (DType.Complex32, "complex32", 4, null),
        (DType.Complex64, "complex64", 8, "C64"),
        (DType.Complex128, "complex128", 16, null),
        (DType.Bits8, "bits8", 1, null),
        (DType.Bits16, "bits16", 2, null),
        (DType.Bits1x8, "bits1x8", 1, null),
        (DType.Bits2x4, "bits2x4", 1, null),
        (DType.Bits4x2, "bits4x2", 1, null),
    ];

    private static readonly Dictionary<string, DType> ByName = Table.ToDictionary(row => row.Name, row => row.DType);
    private static readonly Dictionary<string, DType> BySafetensors =
        Table.Where(row => row.Safetensors is not null).ToDictionary(row => row.Safetensors!, row => row.DType);

    /// <summary>Bytes of one element.</summary>
    public static int ElementSize(this DType dtype) => Table[(int)dtype].Size;

    /// <summary>PyTorch's name without the <c>torch.</c> prefix, such as <c>bfloat16</c>.</summary>
    public static string TorchName(this DType dtype) => Table[(int)dtype].Name;

    /// <summary>The name safetensors uses, such as <c>BF16</c>, or null if the format has no such type.</summary>
    public static string? SafetensorsName(this DType dtype) => Table[(int)dtype].Safetensors;

    /// <summary>True for the complex types, whose elements are a real and an imaginary half.</summary>
    public static bool IsComplex(this DType dtype) => dtype is DType.Complex32 or DType.Complex64 or DType.Complex128;

    /// <summary>
    /// <c>is_floating_point</c> of PyTorch: the types that <c>to(dtype)</c> of a module casts. Complex types are not included.
    /// </summary>
    public static bool IsFloatingPoint(this DType dtype) => dtype is DType.Float32 or DType.Float64 or DType.Float16 or DType.BFloat16 or DType.Float8E4M3FN
        or DType.Float8E5M2 or DType.Float8E4M3FNUZ or DType.Float8E5M2FNUZ or DType.Float8E8M0FNU;

    /// <summary>Finds a type by its PyTorch name without prefix, or by an alias (<c>float</c>, <c>half</c>, <c>long</c> …).</summary>
    public static bool TryFromTorchName(string name, out DType dtype) => ByName.TryGetValue(name switch
    {
        "float" => "float32",
        "double" => "float64",
        "half" => "float16",
        "short" => "int16",
        "int" => "int32",
        "long" => "int64",
        "chalf" => "complex32",
        "cfloat" => "complex64",
        "cdouble" => "complex128",
        _ => name,
    }, out dtype);

    /// <summary>Finds a type by its safetensors name.</summary>
    public static bool TryFromSafetensorsName(string name, out DType dtype) => BySafetensors.TryGetValue(name, out dtype);
}
