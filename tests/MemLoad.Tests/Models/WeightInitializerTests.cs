using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Models;

public sealed class WeightInitializerTests
{
    private static readonly DType[] DTypes = Enum.GetValues<DType>();

    [Fact]
    public void Every_dtype_is_filled_alike_for_any_pieces()
    {
        var cases =
            from dtype in Gen.Elements(DTypes)
            from count in Gen.Choose(1, 3000)
            from cut in Gen.Choose(0, 3000)
            from seed in Gen.Choose(0, int.MaxValue)
            let block = dtype.Layout().Elements
            select (dtype, count: count * block, cut: Math.Min(cut, count) * block, seed);

        Prop.ForAll(cases.ToArbitrary(), test =>
        {
            var spec = new TensorSpec("x", test.dtype, [test.count]);
            byte[] whole = new byte[test.dtype.Layout().BytesOf(test.count)];
            byte[] pieces = new byte[whole.Length];
            int at = (int)test.dtype.Layout().BytesOf(test.cut);
            WeightInitializer.Fill(spec, whole, 0, test.seed);
            WeightInitializer.Fill(spec, pieces.AsSpan(at), test.cut, test.seed);
            WeightInitializer.Fill(spec, pieces.AsSpan(0, at), 0, test.seed);
            return whole.AsSpan().SequenceEqual(pieces);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Every_dtype_is_really_written()
    {
        foreach (DType dtype in DTypes)
        {
            byte[] bytes = Filled(dtype, 4096);
            Assert.True(bytes.Distinct().Count() >= (dtype == DType.Bool ? 2 : 100), dtype.ToString());
            Assert.NotEqual(bytes, Filled(dtype, 4096, seed: 1));
        }
    }

    [Fact]
    public void Numbers_are_uniform_around_zero_and_Booleans_are_zero_or_one()
    {
        Assert.All(MemoryMarshal.Cast<byte, float>(Filled(DType.Complex64, 1000)).ToArray(), x => Assert.InRange(x, -1, 1));
        Assert.All(MemoryMarshal.Cast<byte, double>(Filled(DType.Float64, 1000)).ToArray(), x => Assert.InRange(x, -1, 1));
        Assert.InRange(MemoryMarshal.Cast<byte, double>(Filled(DType.Float64, 1000)).ToArray().Average(), -0.1, 0.1);
        Assert.All(MemoryMarshal.Cast<byte, Half>(Filled(DType.Float16, 1000)).ToArray(), x => Assert.InRange((float)x, -1, 1));
        Assert.All(Filled(DType.Bool, 1000), x => Assert.InRange(x, 0, 1));
    }

    private static byte[] Filled(DType dtype, int count, long seed = 0)
    {
        byte[] bytes = new byte[count * dtype.Layout().Bytes];
        WeightInitializer.Fill(new TensorSpec("x", dtype, [count * dtype.Layout().Elements]), bytes, 0, seed);
        return bytes;
    }
}
