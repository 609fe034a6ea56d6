using System.Buffers.Binary;
using System.Collections.Immutable;

namespace MemLoad.Tests.Tensors;

/// <summary>
/// Casts one element at a time in the simplest way. It uses exact values as double, and selects the nearer of the two neighbours.
/// </summary>
internal static class ReferenceCast
{
    public static byte[] Convert(DType from, ReadOnlySpan<byte> source, DType to)
    {
        byte[] result = new byte[source.Length / from.ElementSize() * to.ElementSize()];
        for (int i = 0; i < source.Length / from.ElementSize(); i++)
        {
            Convert(from, source.Slice(i * from.ElementSize(), from.ElementSize()), to, result.AsSpan(i * to.ElementSize()));
        }
        return result;
    }

    private static void Convert(DType from, ReadOnlySpan<byte> element, DType to, Span<byte> destination)
    {
        if (from == to)
        {
            element.CopyTo(destination);
            return;
        }
        uint single = ToSingle(from, element);
        switch (to)
        {
            case DType.Float32:
                BinaryPrimitives.WriteUInt32LittleEndian(destination, single);
                break;
            case DType.Float16:
                BinaryPrimitives.WriteUInt16LittleEndian(
                    destination,
                    Narrow(
                        single,
                        largest: 65504,
                        nan: (single >> 16 & 0x8000) | 0x7E00 | (single >> 13 & 0x3FF),
                        value: bits => (double)BitConverter.UInt16BitsToHalf(bits),
                        infinity: 0x7C00));
                break;
            default:
                BinaryPrimitives.WriteUInt16LittleEndian(
                    destination,
                    Narrow(
                        single,
                        largest: BitConverter.UInt32BitsToSingle(0x7F7F0000),
                        nan: 0x7FC0,
                        value: bits => BitConverter.UInt32BitsToSingle((uint)bits << 16),
                        infinity: 0x7F80));
                break;
        }
    }

    private static uint ToSingle(DType from, ReadOnlySpan<byte> element)
    {
        switch (from)
        {
            case DType.Float32:
                return BinaryPrimitives.ReadUInt32LittleEndian(element);
            case DType.Float64:
                return BitConverter.SingleToUInt32Bits((float)BinaryPrimitives.ReadDoubleLittleEndian(element));
            case DType.BFloat16:
                return (uint)BinaryPrimitives.ReadUInt16LittleEndian(element) << 16;
            case DType.Float16:
                return OfHalf(BinaryPrimitives.ReadUInt16LittleEndian(element));
            case DType.Float8E5M2:
                return OfHalf((ushort)(element[0] << 8));
            case DType.Float8E4M3FN:
                return (element[0] & 0x7F) == 0x7F ? 0x7FF00000 | ((uint)(element[0] & 0x80) << 24) : Bits(element[0], 3, 7);
            case DType.Float8E4M3FNUZ:
                return element[0] == 0x80 ? 0x7F800001 : Bits(element[0], 3, 8);
            case DType.Float8E5M2FNUZ:
                return element[0] == 0x80 ? 0x7F800001 : Bits(element[0], 2, 16);
            default:
                return element[0] == 0xFF ? 0x7F800001 : BitConverter.SingleToUInt32Bits((float)Math.Pow(2, element[0] - 127));
        }
    }

    private static uint OfHalf(ushort bits) => (bits & 0x7FFF) > 0x7C00
        ? 0x7FC00000 | ((uint)(bits & 0x03FF) << 13) | ((uint)(bits & 0x8000) << 16)
        : BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf(bits));

    private static uint Bits(int bits, int mantissaBits, int bias)
    {
        int exponent = (bits & 0x7F) >> mantissaBits;
        double mantissa = (bits & ((1 << mantissaBits) - 1)) / (double)(1 << mantissaBits);
        double magnitude = exponent == 0 ? mantissa * Math.Pow(2, 1 - bias) : (1 + mantissa) * Math.Pow(2, exponent - bias);
        return BitConverter.SingleToUInt32Bits((float)((bits & 0x80) != 0 ? -magnitude : magnitude));
    }

    // Positive finite numbers of a 16-bit type are in the order of their bits. Finds the last number that is not above the value.
    private static ushort Narrow(uint single, double largest, uint nan, Func<ushort, double> value, ushort infinity)
    {
        float number = BitConverter.UInt32BitsToSingle(single);
        if (float.IsNaN(number))
        {
            return (ushort)nan;
        }
        double magnitude = Math.Abs((double)number);
        int low = 0;
        int high = infinity - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = value((ushort)middle) <= magnitude ? (middle, high) : (low, middle - 1);
        }
        double below = value((ushort)low);
        // Infinity has the place of the next number.
        double above = low == infinity - 1 ? (2 * largest) - value((ushort)(low - 1)) : value((ushort)(low + 1));
        bool up = magnitude - below > above - magnitude || (magnitude - below == above - magnitude && low % 2 == 1);
        return (ushort)((single >> 16 & 0x8000) | (uint)(up ? low + 1 : low));
    }
}

/// <summary>The tensors of a checkpoint. <see cref="ReferenceCast"/> casts each tensor after its elements are contiguous.</summary>
internal sealed class CastSource(Checkpoint checkpoint, DType to) : IWeightSource
{
    private readonly Dictionary<string, TensorEntry> _byName = checkpoint.Tensors.ToDictionary(
        tensor => tensor.Name, StringComparer.Ordinal);

    public ImmutableArray<TensorEntry> Tensors { get; } =
    [
        .. checkpoint.Tensors.Select(tensor =>
            tensor.DType.TorchName().Contains("float", StringComparison.Ordinal) ? tensor with { DType = to } : tensor),
    ];

    public ImmutableArray<long> StorageLengths => throw new NotSupportedException();

    public void StreamStorage(int storage, ElementSink sink) => throw new NotSupportedException();

    public void StreamElements(TensorEntry tensor, ElementSink sink)
    {
        TensorEntry original = _byName[tensor.Name];
        checkpoint.StreamElements(original, piece =>
        {
            if (original.DType == tensor.DType)
            {
                sink(piece);
            }
            else
            {
                sink(ReferenceCast.Convert(original.DType, piece, to));
            }
        });
    }
}
