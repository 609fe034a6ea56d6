using System.Text;
using static MemLoad.Tests.Corpus.GgufForge;

namespace MemLoad.Tests.Corpus;

/// <summary>
/// GGUF files with an incorrect header about itself, its tensors or the following bytes. Also sets of files, and manifests of Ollama.
/// </summary>
internal static class GgufCorpus
{
    private const uint F32 = 0;
    private const uint Q80 = 8;
    private const uint Bool = 7;
    private const uint StringType = 8;
    private const uint ArrayType = 9;

    private static readonly byte[] Eight = new byte[8];

    public static byte[] Sound { get; } = Plain().Build();

    public static IEnumerable<HostileFile> Files =>
        [
            File("the magic alone", "ML1005", [.. "GGUF"u8]),
            File("no counts", "ML1005", Sound[..8]),
            File("no count of keys", "ML1005", Sound[..16]),
            File("cut off in the first of four keys", "ML4103", Model().Build()[..30]),
            File("cut off in the first of four values", "ML4103", Model().Build()[..60]),
            File("cut off in the tokenizer", "ML1005", Model().Build()[..170]),
            File("cut off in the list of tensors", "ML1005", Plain().Header()[..^3]),
            File("cut off in the last of three tensors", "ML1005", Model().Header()[..^3]),
            File("data cut off", "ML1005", Plain(forge => forge.PadsLast = false).Build()[..^1]),
            File("no data", "ML1005", Plain().Header()),
            File("a byte behind the padding", "ML4115", [.. Sound, 0]),
            File("the file twice", "ML4115", [.. Sound, .. Sound]),
            File("data without a tensor", "ML4115", [.. new GgufForge().Build(), .. new byte[64]]),
            Made("version 0", "ML4101", forge => forge.Version = 0),
            Made("version 1", "ML4101", forge => forge.Version = 1),
            Made("version 4", "ML4101", forge => forge.Version = 4),
            File("big-endian", "ML4102", Plain().BigEndianHead()),
            File("big-endian of version 2", "ML4102", Plain(forge => forge.Version = 2).BigEndianHead()),
            Made("2⁶⁴ − 1 tensors", "ML4103", forge => forge.TensorCount = ulong.MaxValue),
            Made("2⁶³ tensors", "ML4103", forge => forge.TensorCount = 1UL << 63),
            Made("a billion tensors", "ML4103", forge => forge.TensorCount = 1_000_000_000),
            Made("a tensor more than there is", "ML4109", forge => forge.TensorCount = 2),
            Made("2⁶⁴ − 1 keys", "ML4103", forge => forge.PairCount = ulong.MaxValue),
            Made("a billion keys", "ML4103", forge => forge.PairCount = 1_000_000_000),
            Made("a key more than there is", "ML4109", forge => forge.PairCount = 1),
            Made("a key less than there is", "ML4110", forge => Prepend(forge).PairCount = 0),
            Made("a key twice", "ML4104", forge => forge.Key("a", 1u).Key("a", 2u)),
            Made("a key of no bytes", "ML4104", forge => forge.Key("", 1u)),
            Made("a key of 65,536 bytes", "ML4104", forge => forge.Key(new string('k', 65_536), 1u)),
            Made("a key that is no UTF-8", "ML4104", forge => forge.Key([0xff, 0xfe], 4, One(1))),
            Made("a value of type 13", "ML4105", forge => forge.Key("a", 13, Eight)),
            Made("a value of type 2³² − 1", "ML4105", forge => forge.Key("a", uint.MaxValue, Eight)),
            Made("a truth value of 2", "ML4105", forge => forge.Key("a", Bool, [2])),
            Made("an array of arrays", "ML4105", forge => forge.Key("a", ArrayType, Array(ArrayType, 1, Array(4, 1, One(1))))),
            Made("arrays nested 10,000 deep", "ML4105", forge =>
                forge.Key("a", ArrayType, [.. Enumerable.Repeat(Array(ArrayType, 1), 10_000).SelectMany(part => part)])),
            Made("an array of elements of type 13", "ML4105", forge => forge.Key("a", ArrayType, Array(13, 1, Eight))),
            Made("a text of 2⁶⁴ − 1 bytes", "ML4106", forge => forge.Key("a", StringType, Long(ulong.MaxValue))),
            Made("a text of 2³⁰ + 1 bytes", "ML4106", forge => forge.Key("a", StringType, Long((1UL << 30) + 1))),
            Made("a text beyond the file", "ML1005", forge => forge.Key("a", StringType, Long(1UL << 30))),
            Made("a text of an array beyond the file", "ML1005", forge =>
                forge.Key("a", ArrayType, Array(StringType, 2, Text("x"), Long(1UL << 29)))),
            Made("a text of an array of 2⁶³ bytes", "ML4106", forge =>
                forge.Key("a", ArrayType, Array(StringType, 2, Text("x"), Long(1UL << 63)))),
            Made("an array of 2⁶⁴ − 1 elements", "ML4107", forge => forge.Key("a", ArrayType, Array(4, ulong.MaxValue))),
            Made("an array of 2³⁰ + 1 elements", "ML4107", forge => forge.Key("a", ArrayType, Array(0, (1UL << 30) + 1))),
            Made("an array whose length wraps around", "ML4107", forge => forge.Key("a", ArrayType, Array(10, 1UL << 61))),
            Made("an array of numbers beyond the file", "ML1005", forge => forge.Key("a", ArrayType, Array(10, 1UL << 30))),
            Made("an array of texts beyond the file", "ML1005", forge => forge.Key("a", ArrayType, Array(StringType, 1UL << 30))),
            Made("an alignment of 0", "ML4108", forge => forge.Key("general.alignment", 0u)),
            Made("an alignment of 4", "ML4108", forge => forge.Key("general.alignment", 4u)),
            Made("an alignment of 24", "ML4108", forge => forge.Key("general.alignment", 24u)),
            Made("an alignment of 64 bits", "ML4108", forge => forge.Key("general.alignment", 10, Long(32))),
            Made("an alignment that is a text", "ML4108", forge => forge.Key("general.alignment", "32")),
            Made("an alignment of 2³¹", "ML1005", forge => forge.Key("general.alignment", 1u << 31)),
            Tensor("a name of no bytes", "ML4109", "", F32, [2]),
            Tensor("a name of 64 bytes", "ML4109", new string('n', 64), F32, [2]),
            File("a name of 2⁶³ bytes", "ML4109", [.. Sound[..24], .. Long(1UL << 63), .. Sound[32..]]),
            File("a name that is no UTF-8", "ML4109", new GgufForge().Tensor([0xc0, 0x80], F32, [2], Eight).Build()),
            Tensor("a name with a line break", "ML6013", "a\nb", F32, [2]),
            Tensor("a name with a zero byte", "ML6013", "a\0b", F32, [2]),
            Tensor("a name with an escape sequence", "ML6013", "\u001b[2J", F32, [2]),
            File("a tensor twice", "ML6001", Plain().Tensor("a", F32, [2], Eight).Build()),
            Tensor("five dimensions", "ML4110", "a", F32, [2, 1, 1, 1, 1]),
            File("2³² − 1 dimensions", "ML4110", new GgufForge().Tensor("a", F32, [2], Eight, dimCount: uint.MaxValue).Build()),
            Tensor("a dimension of 2⁶³", "ML4110", "a", F32, [1UL << 63]),
            Tensor("a dimension of −1", "ML4110", "a", F32, [ulong.MaxValue]),
            Tensor("a type that ggml has removed, Q4_2", "ML4111", "a", 4, [2]),
            Tensor("a type that ggml has removed, Q4_0_4_4", "ML4111", "a", 31, [2]),
            Tensor("a type of ik_llama.cpp", "ML4111", "a", 137, [2]),
            Tensor("type 43", "ML4111", "a", 43, [2]),
            Tensor("type 2³² − 1", "ML4111", "a", uint.MaxValue, [2]),
            Tensor("half a block", "ML4112", "a", Q80, [16, 2]),
            Tensor("a block and a half", "ML4112", "a", Q80, [48]),
            Tensor("a block that is a scalar", "ML4112", "a", Q80, []),
            Tensor("a row of one block of 32 where blocks have 256", "ML4112", "a", 12, [32, 8]),
            Tensor("a size beyond 64 bits", "ML4113", "a", F32, [1UL << 32, 1UL << 32]),
            Tensor("a size in bytes beyond 64 bits", "ML4113", "a", F32, [1UL << 61]),
            Tensor("a size that wraps around to 8", "ML4113", "a", F32, [(1UL << 62) + 1, 2]),
            Tensor("an empty beside an overflowing dimension", "ML4113", "a", F32, [0, 1UL << 62, 1UL << 62]),
            Tensor("a size beyond the file", "ML1005", "a", F32, [1UL << 40]),
            File("sizes that overflow together", "ML4113", new GgufForge().Tensor("a", 24, [long.MaxValue], Eight).Build()),
            Offset("a hole before the first tensor", "ML4114", 32),
            Offset("an offset off the alignment", "ML4114", 1),
            Offset("an offset of 2⁶³", "ML4114", 1UL << 63),
            Offset("an offset of −32", "ML4114", unchecked((ulong)-32)),
            File("a hole between tensors", "ML4114", Plain().Tensor("b", F32, [2], Eight, offset: 64).Build()),
            File("two tensors on the same bytes", "ML4114", Plain().Tensor("b", F32, [2], Eight, offset: 0).Build()),
            File(
                "tensors that overlap",
                "ML4114",
                new GgufForge().Tensor("a", F32, [16], new byte[64]).Tensor("b", F32, [2], Eight, offset: 32).Build()),
            File(
                "tensors in another order",
                "ML4114",
                new GgufForge().Tensor("a", F32, [2], Eight, offset: 32).Tensor("b", F32, [2], Eight, offset: 0).Build()),
            File(
                "offsets of another alignment",
                "ML4114",
                Plain(forge => forge.Key("general.alignment", 64u)).Tensor("b", F32, [2], Eight).Build()),
            HostileFile.Of(HostileFile.Gguf, "named .safetensors", "ML1008", "x.safetensors", () => Sound),
            HostileFile.Of(HostileFile.Gguf, "named .pth", "ML1008", "x.pth", () => Sound),
            HostileFile.Of(HostileFile.Gguf, "safetensors named .gguf", "ML1008", "x.gguf", () => SafetensorsCorpus.Sound),
            HostileFile.Of(HostileFile.Gguf, "an archive named .gguf", "ML1008", "x.gguf", () => ZipForge.Torch()),
            HostileFile.Of(HostileFile.Gguf, "the magic in the wrong order", "ML1004", "x.gguf", () => [.. "FUGG"u8, .. Sound[4..]]),
            HostileFile.Of(HostileFile.Gguf, "GGML, an older container", "ML1004", "x.gguf", () => [.. "lmgg"u8, .. Sound[4..]]),
            Set(
                "a part that names no number",
                "ML4116",
                "m-00001-of-00002.gguf",
                ("m-00001-of-00002.gguf", Part(null, 2, "a")),
                ("m-00002-of-00002.gguf", Part(1, 2, "b"))),
            Set(
                "part 2 of 2 by its number, of which there are 2 before",
                "ML4116",
                "m-00001-of-00002.gguf",
                ("m-00001-of-00002.gguf", Part(2, 2, "a"))),
            Set("a part of a set under a name of its own", "ML4116", "m.gguf", ("m.gguf", Part(0, 2, "a"))),
            Set(
                "parts under each other's names",
                "ML4116",
                "m-00001-of-00002.gguf",
                ("m-00001-of-00002.gguf", Part(1, 2, "b")),
                ("m-00002-of-00002.gguf", Part(0, 2, "a"))),
            Set(
                "a part of a set of another number",
                "ML4116",
                "m-00001-of-00002.gguf",
                ("m-00001-of-00002.gguf", Part(0, 2, "a")),
                ("m-00002-of-00002.gguf", Part(1, 3, "b"))),
            Set(
                "a part that is no part by its keys",
                "ML4116",
                "m-00001-of-00002.gguf",
                ("m-00001-of-00002.gguf", Part(0, 2, "a")),
                ("m-00002-of-00002.gguf", Sound)),
            Set(
                "a count that is a text",
                "ML4116",
                "m-00001-of-00002.gguf",
                ("m-00001-of-00002.gguf", Plain(forge => forge.Key("split.no", 0u).Key("split.count", "2")).Build())),
            Set("65,536 parts", "ML4116", "m-00001-of-65536.gguf", ("m-00001-of-65536.gguf", Part(0, 65_536, "a"))),
            Set("one of three parts", "ML4117", "m-00002-of-00003.gguf", ("m-00002-of-00003.gguf", Part(1, 3, "b"))),
            Set(
                "a folder with two of three parts",
                "ML4117",
                "",
                ("m-00001-of-00003.gguf", Part(0, 3, "a")),
                ("m-00003-of-00003.gguf", Part(2, 3, "c"))),
            Set(
                "fewer tensors than the set says",
                "ML4118",
                "m-00001-of-00002.gguf",
                ("m-00001-of-00002.gguf", Part(0, 2, "a", total: 3)),
                ("m-00002-of-00002.gguf", Part(1, 2, "b"))),
            Set(
                "a tensor in both parts",
                "ML6001",
                "m-00001-of-00002.gguf",
                ("m-00001-of-00002.gguf", Part(0, 2, "a")),
                ("m-00002-of-00002.gguf", Part(1, 2, "a"))),
            Ollama("a manifest that is no JSON", "ML4119", "FROM llama3", Sound),
            Ollama("a manifest without layers", "ML4119", """{"schemaVersion":2}""", Sound),
            Ollama("a manifest whose layers are a text", "ML4119", """{"layers":"model"}""", Sound),
            Ollama("a manifest with layers twice", "ML4119", $$"""{"layers":[{{Layer()}}],"layers":[{{Layer()}}]}""", Sound),
            Ollama("a manifest with two files of weights", "ML4119", $$"""{"layers":[{{Layer()}},{{Layer()}}]}""", Sound),
            Ollama(
                "a manifest with a tensor in each layer",
                "ML4119",
                """{"layers":[{"mediaType":"application/vnd.ollama.image.tensor; name=a","digest":"sha256:00","size":1}]}""",
                Sound),
            Ollama(
                "a manifest whose digest leads elsewhere",
                "ML4119",
                $$"""{"layers":[{{Layer("sha256:../../../../../../etc/passwd")}}]}""",
                Sound),
            Ollama(
                "a manifest whose digest is another kind's",
                "ML4119",
                $$"""{"layers":[{{Layer("md5:d41d8cd98f00b204e9800998ecf8427e")}}]}""",
                Sound),
            Ollama("a manifest of weights that are not there", "ML4120", $$"""{"layers":[{{Layer()}}]}""", null),
            Ollama("a manifest of other length than its weights", "ML4120", $$"""{"layers":[{{Layer(size: 7)}}]}""", Sound),
            Ollama("a manifest of weights that are cut off", "ML1005", $$"""{"layers":[{{Layer()}}]}""", Sound[..70]),
        ];

    private static string Digest { get; } = $"sha256:{new string('a', 64)}";

    /// <summary>A file with one tensor of eight bytes, and no key.</summary>
    private static GgufForge Plain(Action<GgufForge>? change = null)
    {
        GgufForge forge = new GgufForge().Tensor("a", F32, [2], Eight);
        change?.Invoke(forge);
        return forge;
    }

    private static GgufForge Prepend(GgufForge forge) => forge.Key("a.b", 0xffff_ffff, Long(1UL << 40));

    private static byte[] Part(uint? number, uint count, string tensor, uint? total = null)
    {
        GgufForge forge = new GgufForge().Key("split.count", count);
        _ = number is uint no ? forge.Key("split.no", no) : forge;
        _ = total is uint all ? forge.Key("split.tensors.count", all) : forge;
        return forge.Tensor(tensor, F32, [2], Eight).Build();
    }

    private static string Layer(string? digest = null, int? size = null) =>
        $$"""{"mediaType":"application/vnd.ollama.image.model","digest":"{{digest ?? Digest}}","size":{{size ?? Sound.Length}}}""";

    private static HostileFile File(string name, string rule, byte[] content) =>
        HostileFile.Of(HostileFile.Gguf, name, rule, "x.gguf", () => content);

    private static HostileFile Made(string name, string rule, Action<GgufForge> change) => File(name, rule, Plain(change).Build());

    private static HostileFile Tensor(string name, string rule, string tensor, uint type, ulong[] dims) =>
        File($"{name}", rule, new GgufForge().Tensor(tensor, type, dims, Eight).Build());

    private static HostileFile Offset(string name, string rule, ulong offset) =>
        File(name, rule, new GgufForge().Tensor("a", F32, [2], Eight, offset).Build());

    private static HostileFile Set(string name, string rule, string open, params (string Name, byte[] Content)[] files) =>
        new(HostileFile.Gguf, name, rule, open, folder =>
        {
            foreach ((string file, byte[] content) in files)
            {
                System.IO.File.WriteAllBytes(Path.Combine(folder, file), content);
            }
        });

    private static HostileFile Ollama(string name, string rule, string manifest, byte[]? blob) =>
        new(HostileFile.Gguf, name, rule, "manifests/registry/library/m/latest", folder =>
        {
            Directory.CreateDirectory(Path.Combine(folder, "blobs"));
            Directory.CreateDirectory(Path.Combine(folder, "manifests", "registry", "library", "m"));
            System.IO.File.WriteAllBytes(
                Path.Combine(folder, "manifests", "registry", "library", "m", "latest"), Encoding.UTF8.GetBytes(manifest));
            if (blob is not null)
            {
                System.IO.File.WriteAllBytes(Path.Combine(folder, "blobs", $"sha256-{Digest[7..]}"), blob);
            }
        });
}
