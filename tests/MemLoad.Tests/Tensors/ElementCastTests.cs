using System.Runtime.InteropServices;

namespace MemLoad.Tests.Tensors;

public sealed class ElementCastTests
{
    private static readonly DType[] Targets = [DType.Float32, DType.Float16, DType.BFloat16];

    [Theory]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void Every_value_of_sixteen_bits_is_cast_as_the_plain_reference_casts_it(DType from)
    {
        ushort[] all = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];
        CheckAgainstReference(from, MemoryMarshal.AsBytes<ushort>(all));
    }

    [Theory]
    [InlineData(DType.Float8E4M3FN)]
    [InlineData(DType.Float8E5M2)]
    [InlineData(DType.Float8E4M3FNUZ)]
    [InlineData(DType.Float8E5M2FNUZ)]
    [InlineData(DType.Float8E8M0FNU)]
    public void Every_value_of_eight_bits_is_cast_as_the_plain_reference_casts_it(DType from) =>
        CheckAgainstReference(from, [.. Enumerable.Range(0, 256).Select(bits => (byte)bits)]);

    [Fact]
    public void Hostile_floats_round_to_the_nearest_and_ties_to_even()
    {
        CheckAgainstReference(DType.Float32, MemoryMarshal.AsBytes<uint>(HostileValues.Singles()));
        CheckAgainstReference(DType.Float64, MemoryMarshal.AsBytes<ulong>(HostileValues.Doubles()));
    }

    [Fact]
    public void Any_number_of_elements_at_any_address()
    {
        byte[] source = new byte[600];
        new Random(5).NextBytes(source);
        foreach (DType from in Enum.GetValues<DType>().Where(dtype => dtype.IsFloatingPoint()))
        {
            for (int count = 0; count <= 67; count++)
            {
                ReadOnlySpan<byte> elements = source.AsSpan(1 + (count % 7), count * from.ElementSize());
                foreach (DType to in Targets)
                {
                    byte[] result = new byte[3 + (count * to.ElementSize()) + 5];
                    Array.Fill(result, (byte)0xA5);
                    ElementCast.Convert(from, elements, to, result.AsSpan(3, count * to.ElementSize()));

                    Assert.Equal(ReferenceCast.Convert(from, elements, to), result[3..^5]);
                    Assert.All(result[..3].Concat(result[^5..]), untouched => Assert.Equal(0xA5, untouched));
                }
            }
        }
    }

    [Fact]
    public void A_destination_that_is_too_short_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ElementCast.Convert(DType.Float32, new byte[8], DType.BFloat16, new byte[3]));

    [Theory]
    [InlineData(0x3F808000u, 0x3F80)] // halfway: to even, down
    [InlineData(0x3F818000u, 0x3F82)] // halfway: to even, up
    [InlineData(0x3F808001u, 0x3F81)]
    [InlineData(0x7F7F8000u, 0x7F80)] // the largest numbers round to infinity
    [InlineData(0x7F7F7FFFu, 0x7F7F)]
    [InlineData(0x7F800001u, 0x7FC0)] // a NaN is never rounded to infinity
    [InlineData(0xFFFFFFFFu, 0x7FC0)]
    [InlineData(0x80000001u, 0x8000)]
    public void Known_cases_to_bfloat16(uint single, int expected) => Assert.Equal((ushort)expected, Cast(single, DType.BFloat16));

    [Theory]
    [InlineData(0x3F801000u, 0x3C00)]
    [InlineData(0x3F803000u, 0x3C02)]
    [InlineData(0x477FEFFFu, 0x7BFF)]
    [InlineData(0x477FF000u, 0x7C00)]
    [InlineData(0xFF7FFFFFu, 0xFC00)]
    [InlineData(0x33000000u, 0x0000)] // half the smallest subnormal
    [InlineData(0x33000001u, 0x0001)]
    [InlineData(0x387FE000u, 0x0400)] // up to the smallest normal
    [InlineData(0x00000001u, 0x0000)]
    [InlineData(0x7F800001u, 0x7E00)]
    [InlineData(0xFFABCDEFu, 0xFF5E)]
    public void Known_cases_to_float16(uint single, int expected) => Assert.Equal((ushort)expected, Cast(single, DType.Float16));

    private static ushort Cast(uint single, DType to)
    {
        Span<ushort> result = stackalloc ushort[1];
        ElementCast.Convert(DType.Float32, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in single)), to, MemoryMarshal.AsBytes(result));
        return result[0];
    }

    private static void CheckAgainstReference(DType from, ReadOnlySpan<byte> source)
    {
        foreach (DType to in Targets)
        {
            byte[] result = new byte[source.Length / from.ElementSize() * to.ElementSize()];
            ElementCast.Convert(from, source, to, result);
            byte[] expected = ReferenceCast.Convert(from, source, to);
            int size = to.ElementSize();
            int wrong = expected.AsSpan().CommonPrefixLength(result) / size;
            Assert.True(
                wrong * size == expected.Length,
                $"{from} to {to}: element {wrong}, 0x{Hex(source.ToArray(), wrong, from.ElementSize())}, became "
                    + $"0x{Hex(result, wrong, size)}, not 0x{Hex(expected, wrong, size)}");
        }
    }

    private static string Hex(byte[] bytes, int element, int size) =>
        element * size < bytes.Length ? Convert.ToHexString([.. bytes.AsSpan(element * size, size).ToArray().Reverse()]) : "";
}
