using FsCheck;
using FsCheck.Fluent;
using MemLoad.Tests.Checkpoints;
using MemLoad.Tests.Corpus;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Tensors;

public sealed class ElementLayoutTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, int, int> PackedOfSafetensors => new()
    {
        { "F4", "float4_e2m1fn", 2, 1 }, { "F6_E2M3", "float6_e2m3fn", 4, 3 }, { "F6_E3M2", "float6_e3m2fn", 4, 3 },
    };

    [Fact]
    public void A_null_name_is_an_error()
    {
        Assert.Throws<ArgumentNullException>(() => DTypes.TryFromSafetensorsName(null!, out _));
        Assert.Throws<ArgumentNullException>(() => DTypes.TryFromTorchName(null!, out _));
    }

    [Fact]
    public void Whole_blocks_convert_to_bytes_and_back_and_a_partial_block_counts_as_a_whole_one()
    {
        Prop.ForAll(
                (
                    from dtype in Gen.Elements(Enum.GetValues<DType>())
                    from blocks in Gen.Choose(0, 1 << 20)
                    from more in Gen.Choose(0, 300)
                    select (Layout: dtype.Layout(), blocks, more)).ToArbitrary(),
                test =>
                {
                    long elements = (long)test.blocks * test.Layout.Elements;
                    bool whole =
                        test.Layout.IsWhole(elements)
                        && test.Layout.BytesOf(elements) == (long)test.blocks * test.Layout.Bytes
                        && test.Layout.ElementsIn(test.Layout.BytesOf(elements)) == elements;
                    long rest = test.more % test.Layout.Elements;
                    return whole
                        && test.Layout.IsWhole(elements + rest) == (rest == 0)
                        && test.Layout.BytesOf(elements + rest) == (test.blocks + (rest > 0 ? 1L : 0)) * test.Layout.Bytes;
                })
            .QuickCheckThrowOnFailure();
        Assert.Throws<OverflowException>(() => DType.Float32.Layout().BytesOf(long.MaxValue));
        Assert.Throws<OverflowException>(() => DType.Q8K.Layout().BytesOf(long.MaxValue));
        Assert.Throws<OverflowException>(() => DType.Float4E2M1FN.Layout().ElementsIn(long.MaxValue));
        Assert.Equal(long.MaxValue / 2 + 1, DType.Float4E2M1FN.Layout().BytesOf(long.MaxValue));
    }

    [Fact]
    public void A_type_has_a_unique_name_and_packed_types_are_not_those_of_PyTorch()
    {
        DType[] all = Enum.GetValues<DType>();
        Assert.Equal(all.Length, all.Select(dtype => dtype.TorchName()).Distinct(StringComparer.Ordinal).Count());
        Assert.All(all, dtype => Assert.True(DTypes.TryFromTorchName(dtype.TorchName(), out DType found) && found == dtype));
        Assert.All(all, dtype =>
            Assert.True(dtype.Layout().IsSingle || (dtype.IsPacked() && !dtype.IsOfPyTorch() && !dtype.IsFloatingPoint())));
        Assert.Throws<NotSupportedException>(() => DType.Q4K.ElementSize());
        Assert.Equal(1, DType.Int4.ElementSize());
    }

    [Theory]
    [MemberData(nameof(PackedOfSafetensors))]
    public void Packed_numbers_of_safetensors_are_loaded_by_every_strategy_as_they_are(string name, string dtype, int elements, int bytes)
    {
        string header = $$$"""
            {"w":{"dtype":"{{{name}}}","shape":[3,{{{10 * elements}}}],"data_offsets":[0,{{{30 * bytes}}}]},
            """ + $$$"""
            "n":{"dtype":"F32","shape":[2],"data_offsets":[{{{30 * bytes}}},{{{(30 * bytes) + 8}}}]}}
            """;
        string path = _folder.Write("x.safetensors", CheckpointKit.Safetensors(header, (30 * bytes) + 8));
        var checkpoint = Checkpoint.Open(path);

        TensorEntry tensor = checkpoint.Tensors[0];
        Assert.Equal((dtype, 30L * elements, 30L * bytes), (tensor.DType.TorchName(), tensor.ElementCount, tensor.Bytes));
        Assert.Equal(Enumerable.Range(0, 30 * bytes).Select(i => (byte)i), CheckpointKit.Elements(checkpoint, "w"));
        Assert.Equal((30L * elements) + 2, checkpoint.ParameterCount);
        AssertLoads(path, WeightsDigest.Of(checkpoint));

        Assert.Equal("ML6015", Assert.Throws<MemLoadException>(() => LoadView.Of(checkpoint, DType.Float32)).Rule.Id);
        Assert.NotNull(LoadView.Of(checkpoint.Select(null, exclude: ["w"]), DType.Float16));
        CheckpointWriter.Write(checkpoint, _folder["again.safetensors"], CheckpointFormat.Safetensors);
        Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(Checkpoint.Open(_folder["again.safetensors"])));
        MemLoadException refusal = Assert.Throws<MemLoadException>(() =>
            CheckpointWriter.Write(checkpoint, _folder["again.pth"], CheckpointFormat.TorchZip));
        Assert.Equal("ML9108", refusal.Rule.Id);
        Assert.Contains(".safetensors", refusal.Remedy.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Types_of_less_than_a_byte_of_PyTorch_take_a_byte_and_come_back_from_a_pth_file()
    {
        var source = new MemorySource();
        DType[] types = [.. Enum.GetValues<DType>().Where(dtype => dtype is >= DType.Int1 and <= DType.Float4E2M1FNX2)];
        foreach (DType dtype in types)
        {
            source.Add($"{dtype}", dtype, 3, 4);
        }
        CheckpointWriter.Write(source, _folder["x.pth"], CheckpointFormat.TorchZip);
        var checkpoint = Checkpoint.Open(_folder["x.pth"]);

        Assert.Equal(15, types.Length);
        Assert.Equal(types, checkpoint.Tensors.Select(tensor => tensor.DType));
        Assert.All(checkpoint.Tensors, tensor => Assert.Equal(12, tensor.Bytes));
        Assert.Equal(WeightsDigest.Of(source), WeightsDigest.Of(checkpoint));
        AssertLoads(_folder["x.pth"], WeightsDigest.Of(checkpoint));
        Assert.Equal("ML6015", Assert.Throws<MemLoadException>(() => LoadView.Of(checkpoint, DType.Float32)).Rule.Id);
        Assert.Equal(
            types[..14], LoadView.Of(checkpoint.Select(null, exclude: ["Float4*"]), DType.Float32).Tensors.Select(tensor => tensor.DType));
    }

    [Fact]
    public void Names_of_blocks_are_not_types_of_PyTorch_in_a_pickle()
    {
        byte[] pickle = ZipForge.Torch(pickle: PickleForge.Whole(PickleForge.Dict(("a", PickleForge.Global("torch", "Q4_K")))));
        Assert.Equal("ML3003", Assert.Throws<MemLoadException>(() => Checkpoint.Open(_folder.Write("x.pth", pickle))).Rule.Id);
    }

    private static void AssertLoads(string path, string digest)
    {
        foreach (string device in new[] { "cpu", "sim" })
        {
            foreach (Strategy strategy in Strategies.All)
            {
                using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = path, Strategy = strategy, Device = device });
                Assert.Equal(digest, WeightsDigest.Of(model.Weights));
            }
        }
    }
}
