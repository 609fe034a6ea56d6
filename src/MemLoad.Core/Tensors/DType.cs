namespace MemLoad;

/// <summary>
/// Element types of tensors. Sizes and names are those of PyTorch 2.6, unless a type says otherwise. The packed types of safetensors have
/// the names of NumPy's ml_dtypes. The block types of GGUF have the names of ggml.
/// </summary>
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
    /// <summary>torch.int1 (PyTorch 2.3 and later): 1 bit wide by its name, and 1 byte in memory.</summary>
    Int1,
    /// <summary>torch.int2 (PyTorch 2.3 and later): 2 bits wide by its name, and 1 byte in memory.</summary>
    Int2,
    /// <summary>torch.int3 (PyTorch 2.3 and later): 3 bits wide by its name, and 1 byte in memory.</summary>
    Int3,
    /// <summary>torch.int4 (PyTorch 2.3 and later): 4 bits wide by its name, and 1 byte in memory.</summary>
    Int4,
    /// <summary>torch.int5 (PyTorch 2.3 and later): 5 bits wide by its name, and 1 byte in memory.</summary>
    Int5,
    /// <summary>torch.int6 (PyTorch 2.3 and later): 6 bits wide by its name, and 1 byte in memory.</summary>
    Int6,
    /// <summary>torch.int7 (PyTorch 2.3 and later): 7 bits wide by its name, and 1 byte in memory.</summary>
    Int7,
    /// <summary>torch.uint1 (PyTorch 2.3 and later): 1 bit wide by its name, and 1 byte in memory.</summary>
    UInt1,
    /// <summary>torch.uint2 (PyTorch 2.3 and later): 2 bits wide by its name, and 1 byte in memory.</summary>
    UInt2,
    /// <summary>torch.uint3 (PyTorch 2.3 and later): 3 bits wide by its name, and 1 byte in memory.</summary>
    UInt3,
    /// <summary>torch.uint4 (PyTorch 2.3 and later): 4 bits wide by its name, and 1 byte in memory.</summary>
    UInt4,
    /// <summary>torch.uint5 (PyTorch 2.3 and later): 5 bits wide by its name, and 1 byte in memory.</summary>
    UInt5,
    /// <summary>torch.uint6 (PyTorch 2.3 and later): 6 bits wide by its name, and 1 byte in memory.</summary>
    UInt6,
    /// <summary>torch.uint7 (PyTorch 2.3 and later): 7 bits wide by its name, and 1 byte in memory.</summary>
    UInt7,
    /// <summary>torch.float4_e2m1fn_x2 (PyTorch 2.8 and later), 1 byte: an element is a pair of four-bit numbers.</summary>
    Float4E2M1FNX2,
    /// <summary>Four-bit numbers, each an element: 2 in 1 byte. It is the F4 of safetensors. Shapes count numbers and not pairs.</summary>
    Float4E2M1FN,
    /// <summary>Six-bit numbers: 4 in 3 bytes. It is the F6_E2M3 of safetensors.</summary>
    Float6E2M3FN,
    /// <summary>Six-bit numbers: 4 in 3 bytes. It is the F6_E3M2 of safetensors.</summary>
    Float6E3M2FN,
    /// <summary>Q4_0 of GGUF: blocks of 32 elements in 18 bytes.</summary>
    Q40,
    /// <summary>Q4_1 of GGUF: blocks of 32 elements in 20 bytes.</summary>
    Q41,
    /// <summary>Q5_0 of GGUF: blocks of 32 elements in 22 bytes.</summary>
    Q50,
    /// <summary>Q5_1 of GGUF: blocks of 32 elements in 24 bytes.</summary>
    Q51,
    /// <summary>Q8_0 of GGUF: blocks of 32 elements in 34 bytes.</summary>
    Q80,
    /// <summary>Q8_1 of GGUF: blocks of 32 elements in 36 bytes.</summary>
    Q81,
    /// <summary>Q2_K of GGUF: blocks of 256 elements in 84 bytes.</summary>
    Q2K,
    /// <summary>Q3_K of GGUF: blocks of 256 elements in 110 bytes.</summary>
    Q3K,
    /// <summary>Q4_K of GGUF: blocks of 256 elements in 144 bytes.</summary>
    Q4K,
    /// <summary>Q5_K of GGUF: blocks of 256 elements in 176 bytes.</summary>
    Q5K,
    /// <summary>Q6_K of GGUF: blocks of 256 elements in 210 bytes.</summary>
    Q6K,
    /// <summary>Q8_K of GGUF: blocks of 256 elements in 292 bytes.</summary>
    Q8K,
    /// <summary>IQ2_XXS of GGUF: blocks of 256 elements in 66 bytes.</summary>
    IQ2XXS,
    /// <summary>IQ2_XS of GGUF: blocks of 256 elements in 74 bytes.</summary>
    IQ2XS,
    /// <summary>IQ3_XXS of GGUF: blocks of 256 elements in 98 bytes.</summary>
    IQ3XXS,
    /// <summary>IQ1_S of GGUF: blocks of 256 elements in 50 bytes.</summary>
    IQ1S,
    /// <summary>IQ4_NL of GGUF: blocks of 32 elements in 18 bytes.</summary>
    IQ4NL,
    /// <summary>IQ3_S of GGUF: blocks of 256 elements in 110 bytes.</summary>
    IQ3S,
    /// <summary>IQ2_S of GGUF: blocks of 256 elements in 82 bytes.</summary>
    IQ2S,
    /// <summary>IQ4_XS of GGUF: blocks of 256 elements in 136 bytes.</summary>
    IQ4XS,
    /// <summary>IQ1_M of GGUF: blocks of 256 elements in 56 bytes.</summary>
    IQ1M,
    /// <summary>TQ1_0 of GGUF: blocks of 256 elements in 54 bytes.</summary>
    TQ10,
    /// <summary>TQ2_0 of GGUF: blocks of 256 elements in 66 bytes.</summary>
    TQ20,
    /// <summary>MXFP4 of GGUF: blocks of 32 elements in 17 bytes.</summary>
    MXFP4,
    /// <summary>NVFP4 of GGUF: blocks of 64 elements in 36 bytes.</summary>
    NVFP4,
    /// <summary>Q1_0 of GGUF: blocks of 128 elements in 18 bytes.</summary>
    Q10,
    /// <summary>Q2_0 of GGUF: blocks of 64 elements in 18 bytes.</summary>
    Q20,
}

/// <summary>Facts about each <see cref="DType"/>.</summary>
public static class DTypes
{
    // The facts are in the order of the types.
    private static readonly Facts[] Table =
    [
        new(DType.Float32, "float32", 1, 4, "F32"),
        new(DType.Float64, "float64", 1, 8, "F64"),
        new(DType.Float16, "float16", 1, 2, "F16"),
        new(DType.BFloat16, "bfloat16", 1, 2, "BF16"),
        new(DType.Float8E4M3FN, "float8_e4m3fn", 1, 1, "F8_E4M3"),
        new(DType.Float8E5M2, "float8_e5m2", 1, 1, "F8_E5M2"),
        new(DType.Float8E4M3FNUZ, "float8_e4m3fnuz", 1, 1, "F8_E4M3FNUZ"),
        new(DType.Float8E5M2FNUZ, "float8_e5m2fnuz", 1, 1, "F8_E5M2FNUZ"),
        new(DType.Float8E8M0FNU, "float8_e8m0fnu", 1, 1, "F8_E8M0"),
        new(DType.Int8, "int8", 1, 1, "I8"),
        new(DType.UInt8, "uint8", 1, 1, "U8"),
        new(DType.Int16, "int16", 1, 2, "I16"),
        new(DType.UInt16, "uint16", 1, 2, "U16"),
        new(DType.Int32, "int32", 1, 4, "I32"),
        new(DType.UInt32, "uint32", 1, 4, "U32"),
        new(DType.Int64, "int64", 1, 8, "I64"),
        new(DType.UInt64, "uint64", 1, 8, "U64"),
        new(DType.Bool, "bool", 1, 1, "BOOL"),
        new(DType.Complex32, "complex32", 1, 4, null),
        new(DType.Complex64, "complex64", 1, 8, "C64"),
        new(DType.Complex128, "complex128", 1, 16, null),
        new(DType.Bits8, "bits8", 1, 1, null),
        new(DType.Bits16, "bits16", 1, 2, null),
        new(DType.Bits1x8, "bits1x8", 1, 1, null),
        new(DType.Bits2x4, "bits2x4", 1, 1, null),
        new(DType.Bits4x2, "bits4x2", 1, 1, null),
        new(DType.Int1, "int1", 1, 1, null),
        new(DType.Int2, "int2", 1, 1, null),
        new(DType.Int3, "int3", 1, 1, null),
        new(DType.Int4, "int4", 1, 1, null),
        new(DType.Int5, "int5", 1, 1, null),
        new(DType.Int6, "int6", 1, 1, null),
        new(DType.Int7, "int7", 1, 1, null),
        new(DType.UInt1, "uint1", 1, 1, null),
        new(DType.UInt2, "uint2", 1, 1, null),
        new(DType.UInt3, "uint3", 1, 1, null),
        new(DType.UInt4, "uint4", 1, 1, null),
        new(DType.UInt5, "uint5", 1, 1, null),
        new(DType.UInt6, "uint6", 1, 1, null),
        new(DType.UInt7, "uint7", 1, 1, null),
        new(DType.Float4E2M1FNX2, "float4_e2m1fn_x2", 1, 1, null),
        new(DType.Float4E2M1FN, "float4_e2m1fn", 2, 1, "F4"),
        new(DType.Float6E2M3FN, "float6_e2m3fn", 4, 3, "F6_E2M3"),
        new(DType.Float6E3M2FN, "float6_e3m2fn", 4, 3, "F6_E3M2"),
        new(DType.Q40, "Q4_0", 32, 18, null),
        new(DType.Q41, "Q4_1", 32, 20, null),
        new(DType.Q50, "Q5_0", 32, 22, null),
        new(DType.Q51, "Q5_1", 32, 24, null),
        new(DType.Q80, "Q8_0", 32, 34, null),
        new(DType.Q81, "Q8_1", 32, 36, null),
        new(DType.Q2K, "Q2_K", 256, 84, null),
        new(DType.Q3K, "Q3_K", 256, 110, null),
        new(DType.Q4K, "Q4_K", 256, 144, null),
        new(DType.Q5K, "Q5_K", 256, 176, null),
        new(DType.Q6K, "Q6_K", 256, 210, null),
        new(DType.Q8K, "Q8_K", 256, 292, null),
        new(DType.IQ2XXS, "IQ2_XXS", 256, 66, null),
        new(DType.IQ2XS, "IQ2_XS", 256, 74, null),
        new(DType.IQ3XXS, "IQ3_XXS", 256, 98, null),
        new(DType.IQ1S, "IQ1_S", 256, 50, null),
        new(DType.IQ4NL, "IQ4_NL", 32, 18, null),
        new(DType.IQ3S, "IQ3_S", 256, 110, null),
        new(DType.IQ2S, "IQ2_S", 256, 82, null),
        new(DType.IQ4XS, "IQ4_XS", 256, 136, null),
        new(DType.IQ1M, "IQ1_M", 256, 56, null),
        new(DType.TQ10, "TQ1_0", 256, 54, null),
        new(DType.TQ20, "TQ2_0", 256, 66, null),
        new(DType.MXFP4, "MXFP4", 32, 17, null),
        new(DType.NVFP4, "NVFP4", 64, 36, null),
        new(DType.Q10, "Q1_0", 128, 18, null),
        new(DType.Q20, "Q2_0", 64, 18, null),
    ];

    /// <summary>Returns the layout of the elements in memory.</summary>
    public static ElementLayout Layout(this DType dtype) => Table[(int)dtype].Layout;

    /// <summary>Returns the bytes of one element of a type whose elements are whole bytes.</summary>
    /// <exception cref="NotSupportedException">The elements come in blocks: see <see cref="Layout"/>.</exception>
    public static int ElementSize(this DType dtype)
    {
        ElementLayout layout = dtype.Layout();
        return layout.IsSingle
            ? layout.Bytes
            : throw new NotSupportedException($"An element of {dtype.TorchName()} does not have separate bytes.");
    }

    /// <summary>
    /// True for numbers of fewer bits than a byte that share bytes, and for blocks: loads move them as they are, and nothing casts them.
    /// </summary>
    public static bool IsPacked(this DType dtype) => dtype >= DType.Float4E2M1FNX2;

    /// <summary>
    /// PyTorch's name without the <c>torch.</c> prefix, such as <c>bfloat16</c>; of a type that PyTorch does not have, see
    /// <see cref="DType"/>.
    /// </summary>
    public static string TorchName(this DType dtype) => Table[(int)dtype].Name;

    /// <summary>The name safetensors uses, such as <c>BF16</c>, or null if the format has no such type.</summary>
    public static string? SafetensorsName(this DType dtype) => Table[(int)dtype].Safetensors;

    /// <summary>True for the complex types, whose elements are a real and an imaginary half.</summary>
    public static bool IsComplex(this DType dtype) => dtype is DType.Complex32 or DType.Complex64 or DType.Complex128;

    /// <summary>
    /// <c>is_floating_point</c> of PyTorch: the types that <c>to(dtype)</c> of a module casts. Complex types are not included.
    /// </summary>
    public static bool IsFloatingPoint(this DType dtype) => dtype <= DType.Float8E8M0FNU;

    /// <summary>True if PyTorch has the type, in any version.</summary>
    public static bool IsOfPyTorch(this DType dtype) => dtype <= DType.Float4E2M1FNX2;

    /// <summary>Finds a type by its PyTorch name without prefix, or by an alias (<c>float</c>, <c>half</c>, <c>long</c> …).</summary>
    public static bool TryFromTorchName(string name, out DType dtype)
    {
        ArgumentNullException.ThrowIfNull(name);
        string full = name switch
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
        };
        return TryFind(full, ofSafetensors: false, out dtype);
    }

    /// <summary>Finds a type by its safetensors name.</summary>
    public static bool TryFromSafetensorsName(string name, out DType dtype)
    {
        ArgumentNullException.ThrowIfNull(name);
        return TryFind(name, ofSafetensors: true, out dtype);
    }

    private static bool TryFind(string name, bool ofSafetensors, out DType dtype)
    {
        foreach (Facts facts in Table)
        {
            if ((ofSafetensors ? facts.Safetensors : facts.Name) == name)
            {
                dtype = facts.DType;
                return true;
            }
        }
        dtype = default;
        return false;
    }

    private sealed record Facts(DType DType, string Name, int Elements, int Bytes, string? Safetensors)
    {
        public ElementLayout Layout { get; } = new(Elements, Bytes);
    }
}
