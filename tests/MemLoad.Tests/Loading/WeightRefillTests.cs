using MemLoad.Tests.Checkpoints;

namespace MemLoad.Tests.Loading;

public sealed class WeightRefillTests : IDisposable
{
    private const int Large = 1 << 20;
    private const byte NegativeZero = 0x80; // the highest byte of a conjugated zero

    private static readonly GptConfig Config = new(300, 40, 24, 2, 3);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cpu", null)]
    [InlineData("sim", null)]
    [InlineData("cpu", DType.BFloat16)]
    [InlineData("sim", DType.Float16)]
    public void Weights_of_the_same_layout_replace_the_old_weights_in_place(string device, DType? cast)
    {
        string first = Write(1, "first.pth", CheckpointFormat.TorchZip);
        string second = Write(2, "second.safetensors", CheckpointFormat.Safetensors); // in another order, too
        var wanted = LoadView.Of(Checkpoint.Open(second), cast);
        using LoadedModel loaded = WeightLoader.Load(
            new LoadRequest
            {
                Path = first,
                Strategy = Strategy.Stream,
                Device = device,
                DType = cast,
            });
        (MemoryBuffer, long)[] before = [.. Enumerable.Range(0, loaded.Weights.StorageLengths.Length).Select(loaded.Weights.MemoryOf)];

        WeightRefill.Run(loaded.Weights, wanted, loaded.Prepared.Device);

        using LoadedModel fresh = WeightLoader.Load(
            new LoadRequest
            {
                Path = second,
                Strategy = Strategy.Stream,
                Device = device,
                DType = cast,
            });
        Assert.Equal(WeightsDigest.Of(fresh.Weights), WeightsDigest.Of(loaded.Weights));
        Assert.NotEqual(WeightsDigest.Of(Checkpoint.Open(first)), WeightsDigest.Of(wanted.Checkpoint));
        Assert.Equal(before, Enumerable.Range(0, before.Length).Select(loaded.Weights.MemoryOf));
    }

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Views_that_share_storages_are_refilled_as_they_are(string fixture)
    {
        Checkpoint checkpoint = Checkpoint.Open(Fixtures.PathOf(fixture));
        if (checkpoint.Tensors.IsEmpty)
        {
            return; // there is nothing to load
        }
        using LoadedModel loaded = WeightLoader.Load(
            new LoadRequest
            {
                Path = checkpoint.Path,
                Strategy = Strategy.Stream,
                Device = "cpu",
            });
        string digest = WeightsDigest.Of(loaded.Weights);
        foreach (int storage in Enumerable.Range(0, loaded.Weights.StorageLengths.Length))
        {
            (MemoryBuffer memory, _) = loaded.Weights.MemoryOf(storage);
            memory.Write(0, new byte[memory.Length]);
        }
        WeightRefill.Run(loaded.Weights, checkpoint, loaded.Prepared.Device);
        Assert.Equal(digest, WeightsDigest.Of(loaded.Weights));
    }

    [Theory]
    [InlineData("layout/views_and_shared.pth", "cpu")]
    [InlineData("layout/views_and_shared.pth", "sim")]
    [InlineData("tiny/fp32.pth", "sim")]
    public void Tensors_that_were_read_before_have_the_new_elements(string fixture, string device)
    {
        Checkpoint checkpoint = Checkpoint.Open(Fixtures.PathOf(fixture));
        using LoadedModel loaded = WeightLoader.Load(
            new LoadRequest { Path = checkpoint.Path, Strategy = Strategy.Stream, Device = device });

        RequireNewElements(loaded.Weights, checkpoint, loaded.Prepared.Device);
    }

    /// <summary>Overwrites the weights with zeros, which tensors then have, and refills them.</summary>
    internal static void RequireNewElements(LoadedWeights weights, Checkpoint checkpoint, IDevice device)
    {
        foreach (int storage in Enumerable.Range(0, weights.StorageLengths.Length))
        {
            (MemoryBuffer memory, _) = weights.MemoryOf(storage);
            memory.Write(0, new byte[memory.Length]);
        }
        HostTensor[] before = [.. weights.Tensors.Select(tensor => weights[tensor.Name])];
        Assert.All(before, tensor => Assert.Equal(-1, Bytes(tensor).IndexOfAnyExcept((byte)0, NegativeZero)));

        WeightRefill.Run(weights, checkpoint, device);

        for (int i = 0; i < before.Length; i++)
        {
            var expected = new List<byte>();
            weights.StreamElements(weights.Tensors[i], piece => expected.AddRange(piece));
            Assert.Equal(expected, Bytes(weights[weights.Tensors[i].Name]).ToArray());
            Assert.Equal(expected, Bytes(before[i]).ToArray());
        }

        static unsafe ReadOnlySpan<byte> Bytes(HostTensor tensor) => new((void*)tensor.Address, (int)tensor.Bytes);
    }

    [Fact]
    public void Memory_between_storages_is_kept_where_the_file_has_a_header()
    {
        // In the .pth file, a header is between a and b. In the weights, c is between them, with the length of that header.
        int header = HeaderBetween(Archive(64));
        string archive = Archive(header);
        string packed = Write("packed.safetensors", header, "a", "c", "b");
        using LoadedModel loaded = WeightLoader.Load(new LoadRequest { Path = packed, Strategy = Strategy.Stream, Device = "cpu" });
        Assert.Equal(header, HeaderBetween(archive));
        Assert.Equal(loaded.Weights["a"].Address + Large + header, loaded.Weights["b"].Address);

        WeightRefill.Run(loaded.Weights, Checkpoint.Open(archive), loaded.Prepared.Device);

        Assert.Equal(WeightsDigest.Of(Checkpoint.Open(archive)), WeightsDigest.Of(loaded.Weights));

        string Archive(int between)
        {
            CheckpointWriter.Write(
                Checkpoint.Open(Write("other.safetensors", between, "a", "b", "c")),
                _folder["other.pth"],
                CheckpointFormat.TorchZip,
                overwrite: true);
            return _folder["other.pth"];
        }

        string Write(string name, int between, params string[] order)
        {
            File.WriteAllBytes(
                _folder[name], CheckpointKit.SafetensorsOfBytes([.. order.Select(tensor => (tensor, tensor == "c" ? between : Large))]));
            return _folder[name];
        }

        static int HeaderBetween(string path)
        {
            Checkpoint checkpoint = Checkpoint.Open(path);
            Extent Of(string name) => checkpoint.Storages[checkpoint.Tensors.Single(tensor => tensor.Name == name).Storage];
            return (int)(Of("b").Offset - Of("a").Offset - Of("a").Length);
        }
    }

    [Fact]
    public void Another_layout_is_refused_before_weights_are_overwritten()
    {
        string own = Write(1, "own.pth", CheckpointFormat.TorchZip);
        using LoadedModel loaded = WeightLoader.Load(new LoadRequest { Path = own, Strategy = Strategy.Stream, Device = "cpu" });
        string digest = WeightsDigest.Of(loaded.Weights);
        CheckpointWriter.Write(new GptInitializer(Config with { EmbeddingSize = 27 }, 1), _folder["wide.pth"], CheckpointFormat.TorchZip);
        CheckpointWriter.Write(new GptInitializer(Config with { LayerCount = 3 }, 1), _folder["deep.pth"], CheckpointFormat.TorchZip);
        foreach (LoadView other in new LoadView[]
            {
                Checkpoint.Open(_folder["wide.pth"]),
                Checkpoint.Open(_folder["deep.pth"]),
                LoadView.Of(Checkpoint.Open(own), DType.Float16),
            })
        {
            Assert.Equal(
                "ML6029", Assert.Throws<MemLoadException>(() => WeightRefill.Run(loaded.Weights, other, loaded.Prepared.Device)).Rule.Id);
        }
        Assert.Equal(digest, WeightsDigest.Of(loaded.Weights));

        using LoadedModel mapped = WeightLoader.Load(
            new LoadRequest
            {
                Path = own,
                Strategy = Strategy.Mmap,
                Device = "cpu",
            });
        Assert.Equal(
            "ML6029",
            Assert.Throws<MemLoadException>(() => WeightRefill.Run(mapped.Weights, Checkpoint.Open(own), mapped.Prepared.Device)).Rule.Id);
    }

    [Fact]
    public void Partly_overwritten_weights_are_disposed()
    {
        string own = Write(1, "own.pth", CheckpointFormat.TorchZip);
        string shrunk = Write(2, "shrunk.pth", CheckpointFormat.TorchZip);
        using LoadedModel loaded = WeightLoader.Load(new LoadRequest { Path = own, Strategy = Strategy.Stream, Device = "cpu" });
        Checkpoint opened = Checkpoint.Open(shrunk);
        using (FileStream file = File.OpenWrite(shrunk))
        {
            file.SetLength(file.Length / 2);
        }
        Assert.Throws<MemLoadException>(() => WeightRefill.Run(loaded.Weights, opened, loaded.Prepared.Device));
        Assert.Throws<ObjectDisposedException>(() => WeightsDigest.Of(loaded.Weights));
    }

    private string Write(long seed, string name, CheckpointFormat format)
    {
        CheckpointWriter.Write(new GptInitializer(Config, seed), _folder[name], format);
        return _folder[name];
    }
}
