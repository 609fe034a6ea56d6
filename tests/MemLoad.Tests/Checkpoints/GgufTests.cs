using System.Security.Cryptography;
using System.Text;
using MemLoad.Tests.Corpus;
using static MemLoad.Tests.Corpus.GgufForge;

namespace MemLoad.Tests.Checkpoints;

public sealed class GgufTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> TypeNames => [.. Types.Select(type => type.Name)];

    [Fact]
    public void There_are_35_types() => Assert.Equal(35, Types.Count);

    [Theory]
    [MemberData(nameof(TypeNames))]
    public void A_tensor_of_each_type_has_the_bytes_of_its_blocks(string name)
    {
        (uint number, _, int elements, int bytes) = Types.Single(type => type.Name == name);
        byte[] content = Content(2 * 3 * bytes, (int)number);
        byte[] after = Content(20, 7);
        var checkpoint = Checkpoint.Open(
            _folder.Write(
                "x.gguf", new GgufForge().Tensor("w", number, [(ulong)(2 * elements), 3], content).Tensor("b", 24, [20], after).Build()));

        TensorEntry tensor = checkpoint.Tensors[0];
        Assert.Equal((name, content.Length, 6L * elements), (tensor.DType.TorchName(), tensor.Bytes, tensor.ElementCount));
        Assert.Equal<long>([3, 2L * elements], tensor.Shape);
        Assert.Equal(content, CheckpointKit.Elements(checkpoint, "w"));
        Assert.Equal(after, CheckpointKit.Elements(checkpoint, "b"));
        Assert.Equal((6L * elements) + 20, checkpoint.ParameterCount);
        Assert.Equal("Sound", WeightTester.Test(checkpoint.Path, deep: true).Verdict);
    }

    [Theory]
    [MemberData(nameof(StrategiesByDevice.All), MemberType = typeof(StrategiesByDevice))]
    public void Every_strategy_on_every_device_loads_the_bytes_as_they_are(Strategy strategy, string device)
    {
        string path = _folder.Write("m.gguf", Model().Build());
        string expected = Digest(
            ("blk.0.ffn_up.weight", "Q4_K", "2,256", Content(288, 3)),
            ("output_norm.weight", "float32", "6", Content(24, 2)),
            ("token_embd.weight", "Q8_0", "3,64", Content(204, 1)));

        using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = path, Strategy = strategy, Device = device });
        Assert.Equal(expected, WeightsDigest.Of(model.Weights));
        Assert.Equal(expected, WeightsDigest.Of(Checkpoint.Open(path)));
    }

    [Theory]
    [InlineData(2, 32, true)]
    [InlineData(3, 32, false)]
    [InlineData(3, 8, true)]
    [InlineData(3, 4096, false)]
    public void Versions_alignments_and_the_last_padding_are_read_as_they_are_written(uint version, int alignment, bool pads)
    {
        GgufForge forge = Model().Key("general.alignment", (uint)alignment);
        forge.Version = version;
        forge.Alignment = alignment;
        forge.PadsLast = pads;
        var checkpoint = Checkpoint.Open(_folder.Write("m.gguf", forge.Build()));

        Assert.Equal(CheckpointFormat.Gguf, checkpoint.Format);
        Assert.Equal(Content(288, 3), CheckpointKit.Elements(checkpoint, "blk.0.ffn_up.weight"));
        Assert.Equal(Content(24, 2), CheckpointKit.Elements(checkpoint, "output_norm.weight"));
    }

    [Fact]
    public void No_more_bytes_are_missing_than_the_tensors_have()
    {
        string path = _folder.Write(
            "m.gguf", new GgufForge().Key("general.alignment", 1u << 31).Tensor("a", 0, [4], new byte[16]).Build());

        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(path));

        Assert.Equal("16 of 16 bytes of tensors are missing", refusal.Finding);
    }

    [Fact]
    public void The_bytes_that_are_left_at_the_end_of_a_file_are_stated()
    {
        string path = _folder.Write("m.gguf", new GgufForge().Build()[..11]);

        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(path));

        Assert.Equal("8 bytes are expected here but the file has 3", refusal.Finding);
        Assert.Equal(8, refusal.Offset);
    }

    [Fact]
    public void Single_values_are_kept_and_arrays_are_named()
    {
        var checkpoint = Checkpoint.Open(
            _folder.Write(
                "m.gguf",
                Model()
                    .Key("a.u8", 0, [200])
                    .Key("a.i8", 1, [200])
                    .Key("a.u16", 2, [0xff, 0xff])
                    .Key("a.i16", 3, [0xff, 0xff])
                    .Key("a.u32", 4, One(uint.MaxValue))
                    .Key("a.i32", 5, One(uint.MaxValue))
                    .Key("a.f32", 6, BitConverter.GetBytes(1.5f))
                    .Key("a.bool", 7, [1])
                    .Key("a.u64", 10, Long(ulong.MaxValue))
                    .Key("a.i64", 11, Long(ulong.MaxValue))
                    .Key("a.few", 10, Long(7))
                    .Key("a.f64", 12, BitConverter.GetBytes(0.1))
                    .Key("a.text", "é\n")
                    .Key("a.odd", 8, Text([0xff]))
                    .Key("a.none", 9, Array(8, 0))
                    .Key("a.heads", 9, Array(5, 2, One(8, 4)))
                    .Build()));

        object?[] values =
        [
            .. new[]
            {
                "u8",
                "i8",
                "u16",
                "i16",
                "u32",
                "i32",
                "f32",
                "bool",
                "u64",
                "few",
                "i64",
                "f64",
                "text",
                "odd",
                "none",
                "heads",
            }.Select(key => checkpoint.Metadata["a." + key]),
        ];
        Assert.Equal(
            [
                200L,
                -56L,
                65535L,
                -1L,
                (long)uint.MaxValue,
                -1L,
                1.5,
                true,
                new System.Numerics.BigInteger(ulong.MaxValue),
                7L,
                -1L,
                0.1,
                "é\n",
                "\uFFFD",
                "arr[str,0]",
                "arr[i32,2]",
            ],
            values);
        Assert.Equal("llama", checkpoint.Metadata["general.architecture"]);
        Assert.Equal("arr[str,3]", checkpoint.Metadata["tokenizer.ggml.tokens"]);
        Assert.Equal("arr[f32,3]", checkpoint.Metadata["tokenizer.ggml.scores"]);
    }

    [Fact]
    public void A_vocabulary_is_read_and_not_kept()
    {
        const int words = 250_000;
        byte[] tokens = [.. One(8), .. Long(words), .. Enumerable.Range(0, words).SelectMany(i => Text($"word {i}"))];
        string path = _folder.Write(
            "m.gguf",
            Model()
                .Key("tokenizer.ggml.more", 9, tokens)
                .Key("tokenizer.ggml.types", 9, [.. One(5), .. Long(words), .. new byte[4 * words]])
                .Build());
        Checkpoint.Open(path);

        long before = GC.GetAllocatedBytesForCurrentThread();
        var checkpoint = Checkpoint.Open(path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 200_000);
        Assert.Equal("arr[str,250000]", checkpoint.Metadata["tokenizer.ggml.more"]);
    }

    [Fact]
    public void Content_is_recognized_under_any_name_except_that_of_another_format()
    {
        byte[] model = Model().Build();
        foreach (string name in new[] { "sha256-00", "model.bin", "model", "m.GGUF", "m.ggml" })
        {
            Assert.Equal(3, Checkpoint.Open(_folder.Write(name, model)).Tensors.Length);
        }
    }

    [Fact]
    public void A_vocabulary_without_weights_opens_and_has_nothing_to_load()
    {
        string path = _folder.Write("vocab.gguf", new GgufForge().Key("general.architecture", "llama").Header());
        Assert.Empty(Checkpoint.Open(path).Tensors);
        Assert.Equal(
            "ML6006",
            Assert.Throws<MemLoadException>(() => WeightLoader.Load(new LoadRequest { Path = path, Strategy = Strategy.Stream })).Rule.Id);
    }

    [Fact]
    public void Empty_tensors_and_scalars_are_read()
    {
        var checkpoint = Checkpoint.Open(
            _folder.Write(
                "m.gguf",
                new GgufForge()
                    .Tensor("none", 12, [256, 0], [])
                    .Tensor("one", 0, [], Content(4, 1))
                    .Tensor("also none", 0, [0, 7], [])
                    .Tensor("four", 1, [1, 2, 1, 2], Content(8, 2))
                    .Build()));
        Assert.Equal(["0,256", "", "7,0", "2,1,2,1"], checkpoint.Tensors.Select(tensor => string.Join(',', tensor.Shape)));
        Assert.Equal([0, 4, 0, 8], checkpoint.Tensors.Select(tensor => tensor.Bytes));
        Assert.Equal(Content(8, 2), CheckpointKit.Elements(checkpoint, "four"));
    }

    [Theory]
    [InlineData("m-00001-of-00003.gguf")]
    [InlineData("m-00002-of-00003.gguf")]
    [InlineData("m-00003-of-00003.gguf")]
    [InlineData("")]
    public void Any_part_opens_the_whole_set_and_so_does_the_folder(string open)
    {
        WriteSet();
        string path = open.Length == 0 ? _folder.Path : _folder[open];
        var checkpoint = Checkpoint.Open(path);

        Assert.Equal(["a", "b", "c"], checkpoint.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(2, checkpoint.Files.Length); // the first part has no tensors
        Assert.Equal("llama", checkpoint.Metadata["general.architecture"]);
        Assert.Equal(Content(16, 2), CheckpointKit.Elements(checkpoint, "b"));
        string digest = Digest(
            ("a", "float32", "2", Content(8, 1)), ("b", "float64", "2", Content(16, 2)), ("c", "Q4_0", "32", Content(18, 3)));
        foreach (Strategy strategy in Strategies.All)
        {
            using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = path, Strategy = strategy, Device = "sim" });
            Assert.Equal(digest, WeightsDigest.Of(model.Weights));
        }
        Assert.True(WeightTester.Test(path, deep: true).IsSound);
    }

    [Fact]
    public void A_folder_with_a_set_and_another_file_is_refused()
    {
        WriteSet();
        _folder.Write("mmproj.gguf", Model().Build());
        Assert.Equal("ML5013", Assert.Throws<MemLoadException>(() => Checkpoint.Open(_folder.Path)).Rule.Id);
        Assert.Equal(3, Checkpoint.Open(_folder["m-00001-of-00003.gguf"]).Tensors.Length);
    }

    [Fact]
    public void A_model_of_Ollama_opens_by_its_manifest_and_by_its_folder()
    {
        byte[] content = Model().Build();
        string hash = Convert.ToHexStringLower(SHA256.HashData(content));
        string folder = Directory.CreateDirectory(_folder["manifests/registry.ollama.ai/library/llama3"]).FullName;
        Directory.CreateDirectory(_folder["blobs"]);
        _folder.Write($"blobs/sha256-{hash}", content);
        string manifest = $$$"""
            {"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"sha256:00","size":3},
            "layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:{{{hash}}}","size":{{{content.Length}}},"from":"/x"},{"mediaType":"application/vnd.ollama.image.license","digest":"sha256:01","size":5}]}
            """;
        File.WriteAllText(Path.Combine(folder, "8b-q4_K_M"), manifest);

        Assert.Equal(3, Checkpoint.Open(Path.Combine(folder, "8b-q4_K_M")).Tensors.Length);
        Assert.Equal(3, Checkpoint.Open(folder).Tensors.Length);
        Assert.Equal(3, Checkpoint.Open(_folder[$"blobs/sha256-{hash}"]).Tensors.Length);
        Assert.True(WeightTester.Test(Path.Combine(folder, "8b-q4_K_M")).IsSound);
        File.WriteAllText(Path.Combine(folder, "latest"), manifest);
        MemLoadException refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(folder));
        Assert.Equal("ML4121", refusal.Rule.Id);
        Assert.Contains("latest", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_are_neither_cast_nor_written_and_the_remedy_names_the_tensors_to_exclude()
    {
        var checkpoint = Checkpoint.Open(_folder.Write("m.gguf", Model().Build()));

        Assert.Equal("ML6015", Assert.Throws<MemLoadException>(() => LoadView.Of(checkpoint, DType.Float16)).Rule.Id);
        foreach ((CheckpointFormat format, string name) in new[]
            {
                (CheckpointFormat.Safetensors, "o.safetensors"),
                (CheckpointFormat.TorchZip, "o.pth"),
                (CheckpointFormat.PerTensor, "o"),
            })
        {
            MemLoadException refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(checkpoint, _folder[name], format));
            Assert.Equal("ML9108", refusal.Rule.Id);
            Assert.DoesNotContain("pth instead", refusal.Remedy.ToString(), StringComparison.Ordinal);
        }
        Assert.Equal(
            "ML9101",
            Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(checkpoint, _folder["o.gguf"], CheckpointFormat.Gguf)).Rule.Id);
        Checkpoint plain = checkpoint.Select(null, include: ["*norm*"]);
        CheckpointWriter.Write(plain, _folder["n.safetensors"], CheckpointFormat.Safetensors);
        Assert.Equal(Content(24, 2), CheckpointKit.Elements(Checkpoint.Open(_folder["n.safetensors"]), "output_norm.weight"));
    }

    [Fact]
    public void A_manifest_of_a_GGUF_file_finds_a_changed_tensor()
    {
        string path = _folder.Write("m.gguf", Model().Build());
        var checkpoint = Checkpoint.Open(path);
        var manifest = WeightManifest.Of(checkpoint, WeightsDigest.OfTensors(checkpoint));
        Assert.True(WeightTester.Test(path, manifest: manifest).IsSound);

        byte[] other = Model().Build();
        other[^40] ^= 1;
        WeightVerdict verdict = WeightTester.Test(_folder.Write("other.gguf", other), manifest: manifest);
        Assert.Equal(("ML6111", 1L), (verdict.RuleId, verdict.DifferingTensorCount));
    }

    [Fact]
    public void A_GPT_model_is_not_created_from_it()
    {
        var checkpoint = Checkpoint.Open(_folder.Write("m.gguf", Model().Build()));
        Assert.Equal("ML6021", Assert.Throws<MemLoadException>(() => GptConfig.Infer(checkpoint.Tensors, heads: 2)).Rule.Id);
    }

    private void WriteSet()
    {
        GgufForge Part(uint number) =>
            new GgufForge()
                .Key("split.no", 2, BitConverter.GetBytes((ushort)number))
                .Key("split.count", 2, [3, 0])
                .Key("split.tensors.count", 5, One(3));
        _folder.Write("m-00001-of-00003.gguf", Part(0).Key("general.architecture", "llama").Build());
        _folder.Write("m-00002-of-00003.gguf", Part(1).Tensor("a", 0, [2], Content(8, 1)).Tensor("b", 28, [2], Content(16, 2)).Build());
        _folder.Write("m-00003-of-00003.gguf", Part(2).Tensor("c", 2, [32], Content(18, 3)).Build());
    }

    // The digest as docs/digest.md defines it.
    private static string Digest(params (string Name, string DType, string Shape, byte[] Content)[] tensors)
    {
        string lines = string.Concat(
            tensors.Select(tensor =>
                $"{tensor.Name}\t{tensor.DType}\t{tensor.Shape}\t{Convert.ToHexStringLower(SHA256.HashData(tensor.Content))}\n"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines)));
    }
}
