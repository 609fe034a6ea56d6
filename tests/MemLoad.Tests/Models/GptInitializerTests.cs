using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Models;

public sealed class GptInitializerTests
{
    private const string Normal = "tok_emb.weight";
    private const string Uniform = "trf_blocks.1.ff.layers.2.weight";

    private static readonly GptInitializer Tiny = new(TinyGpt.Config, seed: 123);

    [Fact]
    public void Pieces_of_any_size_in_any_order_make_the_same_tensor()
    {
        Gen<(string Name, DType DType, int[] Cuts)> cases =
            from tensor in Gen.Elements<TensorSpec>([.. Tiny.Spec.Tensors])
            from dtype in Gen.Elements(DType.Float32, DType.Float16, DType.BFloat16)
            from cuts in Gen.Choose(0, 400).NonEmptyListOf()
            select (tensor.Name, dtype, cuts.ToArray());

        Prop.ForAll(cases.ToArbitrary(), test =>
        {
            TensorSpec spec = Spec(Tiny, test.Name) with { DType = test.DType };
            byte[] whole = Fill(Tiny, spec);
            byte[] pieces = new byte[whole.Length];
            int size = spec.DType.ElementSize();
            int count = pieces.Length / size;
            int[] bounds = [.. test.Cuts.Where(cut => cut < count).Append(0).Append(count).Distinct().Order()];
            for (int i = bounds.Length - 2; i >= 0; i--)
            {
                Tiny.Fill(spec, pieces.AsSpan((bounds[i] * size)..(bounds[i + 1] * size)), bounds[i]);
            }
            return whole.AsSpan().SequenceEqual(pieces);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Streaming_gives_every_tensor_whole_in_pieces_of_a_mebibyte_at_most()
    {
        // The embedding is slightly longer than two pieces.
        var source = new GptInitializer(new GptConfig(70_000, 4, 8, 1, 1), seed: 5);
        foreach (TensorEntry tensor in source.Tensors)
        {
            using var streamed = new MemoryStream();
            source.StreamElements(tensor, piece =>
            {
                Assert.InRange(piece.Length, 1, 1 << 20);
                streamed.Write(piece);
            });
            Assert.Equal(source.StorageLengths[tensor.Storage], streamed.Length);
            Assert.True(streamed.ToArray().AsSpan().SequenceEqual(Fill(source, Spec(source, tensor.Name))));
        }
    }

    [Fact]
    public void Memory_does_not_grow_with_the_model()
    {
        var source = new GptInitializer(new GptConfig(1, 3000, 1, 1, 1), seed: 5);
        TensorEntry mask = source.Tensors.Single(tensor => tensor.Bytes == 36_000_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        source.StreamElements(mask, _ => { });
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
    }

    [Fact]
    public void A_seed_gives_the_same_bytes_on_every_machine()
    {
        // These values were recorded once. If they change, the weights of every seed that users have recorded change, too.
        Assert.Equal("7ce41d2801926fdae757084a1b43587aca42f2841d9a84c01b030894f197508f", Digest(Tiny));
    }

    [Fact]
    public void Another_seed_gives_other_random_tensors_and_the_same_constant_ones()
    {
        var other = new GptInitializer(TinyGpt.Config, seed: 124);
        foreach (TensorSpec spec in Tiny.Spec.Tensors)
        {
            bool same = Fill(Tiny, spec).AsSpan().SequenceEqual(Fill(other, spec));
            Assert.Equal(spec.IsBuffer || spec.Name.Contains("norm", StringComparison.Ordinal), same);
        }
    }

    [Fact]
    public void Tensors_of_one_shape_and_distribution_differ()
    {
        string[] distinct =
        [
            .. Tiny
                .Spec.Tensors.Where(spec =>
                    spec.Name.EndsWith("layers.0.weight", StringComparison.Ordinal) || spec.Name.Contains(".W_", StringComparison.Ordinal))
                .Select(spec => Convert.ToHexString(Fill(Tiny, spec))),
        ];
        Assert.Equal(distinct.Length, distinct.Distinct().Count());
    }

    [Fact]
    public void Embeddings_are_standard_normal()
    {
        var source = new GptInitializer(new GptConfig(12_500, 1, 16, 1, 1), seed: 1);
        float[] x = Floats(source, Normal);

        // The bounds are six standard errors. The numbers are always the same, so the result never varies.
        double six = 6 / Math.Sqrt(x.Length);
        Assert.InRange(x.Average(), -six, six);
        Assert.InRange(Moment(x, 2), 1 - (six * Math.Sqrt(2)), 1 + (six * Math.Sqrt(2)));
        Assert.InRange(Moment(x, 3), -six * Math.Sqrt(15), six * Math.Sqrt(15));
        Assert.InRange(Moment(x, 4), 3 - (six * Math.Sqrt(96)), 3 + (six * Math.Sqrt(96)));
        Assert.InRange(x.Max(), 4f, 5.8f);
        Assert.InRange(x.Min(), -5.8f, -4f);
        // The two numbers of one angle, and neighbours, are not correlated, and their squares are not either.
        foreach (int distance in new[] { 1, CounterRandom.Lanes, CounterRandom.GroupSize })
        {
            (double A, double B)[] pairs = [.. x.Zip(x.Skip(distance), (a, b) => ((double)a, (double)b))];
            Assert.InRange(pairs.Average(pair => pair.A * pair.B), -six, six);
            Assert.InRange(pairs.Average(pair => ((pair.A * pair.A) - 1) * ((pair.B * pair.B) - 1)), -2 * six, 2 * six);
        }
        // The values of the distribution function are Φ(−1) = 0.158655, Φ(0.5) = 0.691462 and Φ(2) = 0.977250.
        Assert.InRange(x.Count(v => v < -1) / (double)x.Length, 0.158655 - (six / 2), 0.158655 + (six / 2));
        Assert.InRange(x.Count(v => v < 0.5) / (double)x.Length, 0.691462 - (six / 2), 0.691462 + (six / 2));
        Assert.InRange(x.Count(v => v < 2) / (double)x.Length, 0.977250 - (six / 6), 0.977250 + (six / 6));
    }

    // In PyTorch's Linear, weight and bias are U(−1/√inputs, 1/√inputs).
    [Theory]
    [InlineData("trf_blocks.0.att.W_value.weight", 64)]
    [InlineData("trf_blocks.0.att.W_value.bias", 64)]
    [InlineData("trf_blocks.0.ff.layers.0.bias", 64)]
    [InlineData("trf_blocks.0.ff.layers.2.weight", 256)]
    [InlineData("trf_blocks.0.ff.layers.2.bias", 256)]
    [InlineData("out_head.weight", 64)]
    public void Linear_layers_are_uniform_within_the_root_of_their_inputs(string name, int inputs)
    {
        var source = new GptInitializer(new GptConfig(500, 1, 64, 1, 1), seed: 1);
        double[] x = [.. Floats(source, name).Select(value => value * Math.Sqrt(inputs))];

        double six = 6 / Math.Sqrt(x.Length);
        Assert.InRange(x.Min(), -1, -1 + six);
        Assert.InRange(x.Max(), 1 - six, 1);
        Assert.InRange(x.Average(), -six / Math.Sqrt(3), six / Math.Sqrt(3));
        Assert.InRange(x.Average(value => value * value), (1 / 3d) - (six * 0.3), (1 / 3d) + (six * 0.3));
    }

    [Fact]
    public void Masks_are_ones_above_the_diagonal_and_norms_start_neutral()
    {
        float[] mask = Floats(Tiny, "trf_blocks.1.att.mask");
        int side = TinyGpt.Config.ContextLength;
        for (int i = 0; i < mask.Length; i++)
        {
            Assert.Equal(i % side > i / side ? 1 : 0, mask[i]);
        }
        Assert.All(Floats(Tiny, "final_norm.scale"), value => Assert.Equal(1, value));
        Assert.All(Floats(Tiny, "trf_blocks.0.norm2.shift"), value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(Normal)]
    [InlineData(Uniform)]
    public void Narrow_types_are_float32_rounded_to_the_nearest_ties_to_even(string name)
    {
        TensorSpec spec = Spec(Tiny, name);
        float[] exact = Floats(Tiny, name);

        ushort[] half = [.. MemoryMarshal.Cast<byte, ushort>(Fill(Tiny, spec with { DType = DType.Float16 }))];
        ushort[] brain = [.. MemoryMarshal.Cast<byte, ushort>(Fill(Tiny, spec with { DType = DType.BFloat16 }))];

        Assert.Equal(exact.Select(value => BitConverter.HalfToUInt16Bits((Half)value)), half);
        Assert.Equal(exact.Select(Numbers.ToBFloat16), brain);
    }

    [Fact]
    public void Another_dtype_is_refused() =>
        Assert.Equal("ML6023", Assert.Throws<MemLoadException>(() => new GptInitializer(TinyGpt.Config, 1, DType.Float64)).Rule.Id);

    [Fact]
    public void Ranges_and_tensors_outside_the_model_are_refused()
    {
        TensorSpec spec = Spec(Tiny, "final_norm.scale");
        Assert.ThrowsAny<ArgumentException>(() => Tiny.Fill(spec, new byte[8], 23));
        Assert.ThrowsAny<ArgumentException>(() => Tiny.Fill(spec, new byte[8], -1));
        Assert.ThrowsAny<ArgumentException>(() => Tiny.Fill(spec, new byte[7], 0));
        Assert.ThrowsAny<ArgumentException>(() => Tiny.Fill(spec with { Name = "other" }, new byte[8], 0));
        Assert.ThrowsAny<ArgumentException>(() => Tiny.StreamElements(Tiny.Tensors[0] with { Name = "other" }, _ => { }));
    }

    private static TensorSpec Spec(GptInitializer source, string name) => source.Spec.Tensors.Single(tensor => tensor.Name == name);

    private static byte[] Fill(GptInitializer source, TensorSpec spec)
    {
        byte[] bytes = new byte[ShapeMath.ElementCount(spec.Shape) * spec.DType.ElementSize()];
        source.Fill(spec, bytes, 0);
        return bytes;
    }

    private static float[] Floats(GptInitializer source, string name) =>
        [.. MemoryMarshal.Cast<byte, float>(Fill(source, Spec(source, name)))];

    private static double Moment(float[] values, int power) => values.Average(value => Math.Pow(value, power));

    private static string Digest(GptInitializer source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TensorEntry tensor in source.Tensors)
        {
            source.StreamElements(tensor, hash.AppendData);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
