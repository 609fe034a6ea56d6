namespace MemLoad.Tests.Tensors;

/// <summary>
/// Numbers that are difficult to cast. They are near every value of the narrower types and near the midpoints. They include subnormals,
/// extremes and NaNs.
/// </summary>
internal static class HostileValues
{
    public static uint[] Singles(bool withNaN = true)
    {
        var values = new List<uint>();
        for (uint bits = 0; bits < 0x8000; bits++)
        {
            uint half = BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf((ushort)bits));
            uint bfloat = bits << 16;
            uint halfway = bfloat | 0x8000;
            values.AddRange([
                half,
                half + 1,
                unchecked(half - 1),
                half + 0x1000,
                half + 0x0FFF,
                half + 0x1001,
                bfloat,
                halfway,
                halfway - 1,
                halfway + 1,
            ]);
        }
        var random = new Random(3);
        values.AddRange(Enumerable.Range(0, 5000).Select(_ => (uint)random.NextInt64(1L << 32)));
        // Numbers in the range of the subnormals of float16, where rounding depends on the exponent.
        values.AddRange(Enumerable.Range(0, 5000).Select(_ => (uint)random.NextInt64(0x32800000, 0x38800000)));
        uint[] both = [.. values.SelectMany(bits => new[] { bits, bits ^ 0x80000000 })];
        return withNaN ? both : [.. both.Where(bits => !float.IsNaN(BitConverter.UInt32BitsToSingle(bits)))];
    }

    public static ulong[] Doubles(bool withNaN = true)
    {
        ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);
        IEnumerable<ulong> near = Singles(withNaN)
            .Where((_, i) => i % 7 == 0)
            .Select(bits => (double)BitConverter.UInt32BitsToSingle(bits))
            .Where(value => !double.IsNaN(value))
            .SelectMany(value =>
                new[] { Bits(value), Bits(value) + 1, Bits(value) ^ 1, Bits(value) + (1UL << 28), Bits(value) + (1UL << 28) - 1 });
        ulong[] extremes =
        [
            Bits(double.MaxValue),
            Bits(double.Epsilon),
            Bits(double.NegativeInfinity),
            Bits(3.4028235677973366e38),
            Bits(1e300),
            Bits(-1e-300),
            Bits(-0.0),
        ];
        ulong[] nans = [0x7FF0000000000001, 0x7FF8000000000000, 0xFFFFFFFFFFFFFFFF, 0x7FF4000000000000, 0xFFF8000000000000];
        ulong[] all = [.. near, .. extremes, .. nans];
        return withNaN ? all : [.. all.Where(bits => !double.IsNaN(BitConverter.UInt64BitsToDouble(bits)))];
    }
}
