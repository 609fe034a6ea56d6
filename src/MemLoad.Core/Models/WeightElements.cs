using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// Widens elements of one type to float32 in registers. Empty structs implement it, so that a kernel is compiled per type.
/// </summary>
internal unsafe interface IWeightElements
{
    static abstract int Size { get; }

    /// <summary>Widens the elements of two vectors, exactly.</summary>
    static abstract (Vector<float> Low, Vector<float> High) Load(byte* elements);

    /// <summary>Widens one element, exactly.</summary>
    static abstract float At(byte* element);
}

/// <summary>float32 without a conversion.</summary>
internal readonly unsafe struct Float32Elements : IWeightElements
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<float> Low, Vector<float> High) Load(byte* elements) =>
        (Vector.Load((float*)elements), Vector.Load((float*)elements + Vector<float>.Count));

    public static float At(byte* element) => Unsafe.ReadUnaligned<float>(element);
}

/// <summary>bfloat16: the upper half of a float32.</summary>
internal readonly unsafe struct BFloat16Elements : IWeightElements
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<float> Low, Vector<float> High) Load(byte* elements)
    {
        Vector.Widen(Vector.Load((ushort*)elements), out Vector<uint> low, out Vector<uint> high);
        return (Vector.AsVectorSingle(low << 16), Vector.AsVectorSingle(high << 16));
    }

    public static float At(byte* element) => BitConverter.UInt32BitsToSingle((uint)Unsafe.ReadUnaligned<ushort>(element) << 16);
}

/// <summary>float16 (IEEE binary16).</summary>
internal readonly unsafe struct Float16Elements : IWeightElements
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<float> Low, Vector<float> High) Load(byte* elements)
    {
        Vector.Widen(Vector.Load((ushort*)elements), out Vector<uint> low, out Vector<uint> high);
        return (Widen(low), Widen(high));
    }

    public static float At(byte* element) => (float)Unsafe.ReadUnaligned<Half>(element);

    // Exponent and mantissa move to their positions in float32. The bias of the exponent is corrected by 112 for normal numbers, and by
    // twice that for infinities and NaNs. A subnormal number gets the exponent whose implicit one is 2⁻¹⁴, which is then subtracted. No
    // subnormal float32 is multiplied, because that is slow.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Widen(Vector<uint> half)
    {
        var bias = new Vector<uint>(112 << 23);
        var smallest = new Vector<uint>(113 << 23); // the bits of 2⁻¹⁴
        Vector<uint> magnitude = half & new Vector<uint>(0x7FFF);
        Vector<uint> normal = (magnitude << 13) + bias + (Vector.GreaterThan(magnitude, new Vector<uint>(0x7BFF)) & bias);
        Vector<uint> subnormal = Vector.AsVectorUInt32(
            Vector.AsVectorSingle((magnitude << 13) + smallest) - Vector.AsVectorSingle(smallest));
        Vector<uint> number = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<uint>(0x0400)), subnormal, normal);
        return Vector.AsVectorSingle(number | ((half & new Vector<uint>(0x8000)) << 16));
    }
}

/// <summary>Reads short ranges of a weight, such as a row of an embedding or a bias, as float32.</summary>
internal static unsafe class WeightReader
{
    /// <summary>Widens elements [first, first + destination.Length).</summary>
    public static void Read(HostTensor tensor, long first, Span<float> destination)
    {
        byte* from = (byte*)tensor.Address + (first * tensor.DType.ElementSize());
        switch (tensor.DType)
        {
            case DType.Float32:
                new ReadOnlySpan<byte>(from, destination.Length * sizeof(float)).CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case DType.Float16:
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(from, destination.Length), destination);
                break;
            default:
                for (int i = 0; i < destination.Length; i++)
                {
                    destination[i] = BFloat16Elements.At(from + (i * BFloat16Elements.Size));
                }
                break;
        }
    }
}
