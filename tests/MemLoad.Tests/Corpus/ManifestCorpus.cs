using System.Text;

namespace MemLoad.Tests.Corpus;

/// <summary>Files that are not manifests, and manifests that contradict themselves.</summary>
internal static class ManifestCorpus
{
    private const string Hash = "0000000000000000000000000000000000000000000000000000000000000000";
    private const string Version = "{\"ManifestVersion\":1,";
    private const string Tensor = $$"""{"Name":"a","DType":"uint8","Shape":[4],"Bytes":4,"Sha256":"{{Hash}}"}""";

    /// <summary>The form of a sound manifest. The others differ from it.</summary>
    public static string Sound { get; } = Of(Tensor);

    public static IEnumerable<HostileFile> Files =>
        [
            Json("no bytes at all", "ML1003", ""),
            Json("a git-lfs pointer", "ML1011", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n"),
            Bytes("a byte that UTF-8 has not", "ML6102", [.. "{\"ModuleVersion\":\""u8, 0xff, .. "\"}"u8]),
            Bytes("weights in its place", "ML6102", ZipForge.Torch()),
            Json("half a surrogate pair", "ML6102", Of(Tensor.Replace("\"a\"", "\"\\ud800\"", StringComparison.Ordinal))),
            Json("a byte-order mark", "ML6103", "\uFEFF" + Sound),
            Json("no JSON", "ML6103", $"{Hash}  model.pth\n"),
            Json("JSON cut off", "ML6103", Sound[..^3]),
            Json("a comment", "ML6103", Sound + "// x"),
            Json("a second object", "ML6103", Sound + Sound),
            Json("a zero byte after it", "ML6103", Sound + "\0"),
            Json("a comma too many", "ML6103", Of(Tensor + ",")),
            Json("arrays nested 100,000 deep", "ML6105", "{\"Tensors\":" + new string('[', 100_000)),
            Json("a field twice", "ML6104", Sound.Replace(Version, Version + "\"ManifestVersion\":1,", StringComparison.Ordinal)),
            Json(
                "a field twice, once by an escape",
                "ML6104",
                Sound.Replace(Version, Version + "\"\\u004danifestVersion\":1,", StringComparison.Ordinal)),
            Json("two lists of tensors", "ML6104", Sound.Replace("}]}", "}],\"Tensors\":[]}", StringComparison.Ordinal)),
            Json(
                "a tensor's field twice",
                "ML6104",
                Of(Tensor.Replace("\"Bytes\":4", "\"Bytes\":4,\"Bytes\":5", StringComparison.Ordinal))),
            Json("a tensor twice", "ML6104", Of($"{Tensor},{Tensor}")),
            Json(
                "a tensor twice, once by an escape",
                "ML6104",
                Of($"{Tensor},{Tensor.Replace("\"a\"", "\"\\u0061\"", StringComparison.Ordinal)}")),
            Json("an array", "ML6105", "[]"),
            Json("null", "ML6105", "null"),
            Json("an empty object", "ML6105", "{}"),
            Json("no version", "ML6105", Sound.Replace("\"ManifestVersion\":1,", "", StringComparison.Ordinal)),
            Json("no digest", "ML6105", Sound.Replace("\"WeightsDigest\":\"" + Digest(Tensor) + "\",", "", StringComparison.Ordinal)),
            Json("no tensors", "ML6105", "{\"ManifestVersion\":1,\"WeightsDigest\":\"" + Hash + "\"}"),
            Json("a field that is not known", "ML6105", Sound.Replace(Version, Version + "\"Signature\":\"\",", StringComparison.Ordinal)),
            Json("an index of shards in its place", "ML6105", """{"weight_map":{"a":"s1.safetensors"}}"""),
            Json("a version that is text", "ML6105", Sound.Replace(":1,", ":\"1\",", StringComparison.Ordinal)),
            Json("a digest that is a number", "ML6105", "{\"ManifestVersion\":1,\"WeightsDigest\":0,\"Tensors\":[]}"),
            Json("tensors that are an object", "ML6105", "{\"ManifestVersion\":1,\"WeightsDigest\":\"" + Hash + "\",\"Tensors\":{}}"),
            Json("a tensor that is a name", "ML6105", Of("\"a\"")),
            Json("a tensor that is null", "ML6105", Of("null")),
            Json("a name that is a number", "ML6105", Changed("\"a\"", "1")),
            Json("a shape that is a number", "ML6105", Changed("[4]", "4")),
            Json("a dimension that is text", "ML6105", Changed("[4]", "[\"4\"]")),
            Json("a dimension that is a list", "ML6105", Changed("[4]", "[[4]]")),
            Json("bytes that are text", "ML6105", Changed("\"Bytes\":4", "\"Bytes\":\"4\"")),
            Json("a hash that is null", "ML6105", Changed($"\"{Hash}\"", "null")),
            Json("version 0", "ML6106", Sound.Replace(":1,", ":0,", StringComparison.Ordinal)),
            Json("version 2", "ML6106", Sound.Replace(":1,", ":2,", StringComparison.Ordinal)),
            Json("version 1.0", "ML6106", Sound.Replace(":1,", ":1.0,", StringComparison.Ordinal)),
            Json("version 10¹⁰⁰", "ML6106", Sound.Replace(":1,", ":1e100,", StringComparison.Ordinal)),
            Json("a tensor without name", "ML6107", Changed("\"Name\":\"a\",", "")),
            Json("a tensor without hash", "ML6107", Changed($",\"Sha256\":\"{Hash}\"", "")),
            Json("a tensor's field that is not known", "ML6107", Changed("\"Bytes\":4", "\"Bytes\":4,\"Offset\":0")),
            Json("a line break in a name", "ML6107", Changed("\"a\"", "\"a\\n\"")),
            Json("a name that steers the terminal", "ML6107", Changed("\"a\"", "\"\\u001b[2J\"")),
            Json("a dtype that is not known", "ML6107", Changed("uint8", "uint128")),
            Json("a dtype by its alias", "ML6107", Changed("uint8", "long")),
            Json("a dtype with its prefix", "ML6107", Changed("uint8", "torch.uint8")),
            Json("a negative dimension", "ML6107", Changed("[4]", "[-4]")),
            Json("a dimension with a fraction", "ML6107", Changed("[4]", "[4.0]")),
            Json("a dimension of 2⁶³", "ML6107", Changed("[4]", "[9223372036854775808]")),
            Json("65 dimensions", "ML6107", Changed("[4]", $"[{string.Join(',', Enumerable.Repeat(1, 65))}]")),
            Json("a size past 64 bits", "ML6107", Changed("[4]", "[4294967296,4294967296]")),
            Json("more bytes than the shape has", "ML6107", Changed("\"Bytes\":4", "\"Bytes\":5")),
            Json("fewer bytes than the shape has", "ML6107", Changed("\"Bytes\":4", "\"Bytes\":3")),
            Json("negative bytes", "ML6107", Changed("\"Bytes\":4", "\"Bytes\":-4")),
            Json("a hash in capitals", "ML6107", Changed(Hash, Hash.Replace('0', 'A'))),
            Json("a hash cut off", "ML6107", Changed(Hash, Hash[..^1])),
            Json("a hash with a way out", "ML6107", Changed(Hash, "../" + Hash[3..])),
            Json("an empty hash", "ML6107", Changed(Hash, "")),
            Json("a digest of other tensors", "ML6108", Sound.Replace(Digest(Tensor), Hash, StringComparison.Ordinal)),
            Json(
                "a digest in capitals",
                "ML6108",
                Sound.Replace(Digest(Tensor), Digest(Tensor).ToUpperInvariant(), StringComparison.Ordinal)),
            Json(
                "a hash that was changed after it was made",
                "ML6108",
                Sound.Replace(Hash, Hash.Replace('0', 'f'), StringComparison.Ordinal)),
            Json("a tensor that was taken out", "ML6108", Sound.Replace(Tensor, "", StringComparison.Ordinal)),
            new(HostileFile.Manifest, "100,000,001 bytes", "ML6101", "x.manifest.json", folder =>
            {
                // A hole in a file takes no disk space.
                using FileStream file = File.Create(Path.Combine(folder, "x.manifest.json"));
                file.SetLength(100_000_001);
            }),
        ];

    private static string Of(string tensors) =>
        $$"""{"ManifestVersion":1,"ModuleVersion":"0.1.0","WeightsDigest":"{{Digest(tensors)}}","Tensors":[{{tensors}}]}""";

    // The digest of the only tensor, if the tensor is sound. A malformed manifest is refused before digests are compared.
    private static string Digest(string tensors) =>
        tensors == Tensor ? WeightsDigest.Of([new TensorDigest("a", DType.UInt8, [4], Hash)]) : Hash;

    private static string Changed(string from, string to) => Of(Tensor.Replace(from, to, StringComparison.Ordinal));

    private static HostileFile Json(string name, string rule, string json) => Bytes(name, rule, Encoding.UTF8.GetBytes(json));

    private static HostileFile Bytes(string name, string rule, byte[] json) =>
        HostileFile.Of(HostileFile.Manifest, name, rule, "x.manifest.json", () => json);
}
