using System.Text;

namespace MemLoad.Tests.Corpus;

/// <summary>Indexes that name files outside their folder, or contradict their shards.</summary>
internal static class IndexCorpus
{
    private const string Shard = "s1.safetensors";
    private const string Good = $$"""{"weight_map":{"a":"{{Shard}}"} }""";

    public static IEnumerable<HostileFile> Files =>
        [
            .. Escapes(
                ("a way out", "../s1.safetensors"),
                ("a way out at the end", ".."),
                ("the folder itself", "."),
                ("an absolute path", "/etc/passwd"),
                ("a folder below", "x/s1.safetensors"),
                ("a drive", "C:s1.safetensors"),
                ("a network path", @"\\\\server\\share\\x.safetensors"),
                ("a backslash", @"x\\s1.safetensors"),
                ("another stream", "s1.safetensors:x"),
                ("a URL", "https://example.org/x.safetensors"),
                ("no name", ""),
                ("a line break", @"s1\n.safetensors"),
                ("a zero byte", @"s1.safetensors\u0000.txt"),
                ("a way out by escapes", @"\u002e\u002e\u002fs1.safetensors")),
            Json("a byte-order mark", "ML5003", "\uFEFF" + Good),
            Bytes("a byte that UTF-8 has not", "ML5002", [.. "{\"weight_map\":{\""u8, 0xff, .. "\":\"s1.safetensors\"}}"u8]),
            Json("half a surrogate pair", "ML5002", """{"weight_map":{"\ud800":"s1.safetensors"} }"""),
            Json("no JSON", "ML5003", "weights"),
            Json("JSON cut off", "ML5003", Good[..^3]),
            Json("a comment", "ML5003", Good + "// x"),
            Json("a second object", "ML5003", Good + Good),
            Json("a comma too many", "ML5003", """{"weight_map":{"a":"s1.safetensors",} }"""),
            Json(
                "ten thousand entries below a name of 100,000 characters",
                "ML1013",
                "{\"metadata\":{\""
                    + new string('n', 100_000)
                    + "\":{"
                    + string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"{i}\":1"))
                    + "}}}"),
            Json("half a surrogate pair in the name of a shard", "ML5002", """{"weight_map":{"a":"s","b":"\ud800"}}"""),
            Json(
                "objects nested 1,000 deep",
                "ML5003",
                "{\"x\":" + string.Concat(Enumerable.Repeat("{\"x\":", 1000)) + "1" + new string('}', 1001)),
            Json("arrays nested 100,000 deep", "ML5003", "{\"metadata\":{\"x\":" + new string('[', 100_000)),
            Json("a tensor twice", "ML5004", """{"weight_map":{"a":"s1.safetensors","a":"s2.safetensors"} }"""),
            Json("a tensor twice, once by an escape", "ML5004", """{"weight_map":{"a":"s1.safetensors","\u0061":"s2.safetensors"} }"""),
            Json("weight_map twice", "ML5004", """{"weight_map":{"a":"s1.safetensors"},"weight_map":{} }"""),
            Json("metadata twice", "ML5004", """{"metadata":{},"metadata":{},"weight_map":{"a":"s1.safetensors"} }"""),
            Json("an array", "ML5005", "[]"),
            Json("null", "ML5005", "null"),
            Json("an empty object", "ML5005", "{}"),
            Json("no weight_map", "ML5005", """{"metadata":{"total_size":4} }"""),
            Json("an empty weight_map", "ML5005", """{"weight_map":{} }"""),
            Json("a weight_map that is a list", "ML5005", """{"weight_map":["s1.safetensors"]}"""),
            Json("a weight_map that is null", "ML5005", """{"weight_map":null}"""),
            Json("a shard that is a number", "ML5005", """{"weight_map":{"a":1} }"""),
            Json("a shard that is null", "ML5005", """{"weight_map":{"a":null} }"""),
            Json("a shard that is a list", "ML5005", """{"weight_map":{"a":["s1.safetensors"]} }"""),
            Json("metadata that is a list", "ML5005", """{"metadata":[],"weight_map":{"a":"s1.safetensors"} }"""),
            Json("a shard that is not there", "ML5007", """{"weight_map":{"a":"s1.safetensors","b":"s3.safetensors"} }"""),
            Json("an index as its own shard", "ML5008", """{"weight_map":{"a":"x.index.json"} }"""),
            Json("another index as a shard", "ML5008", """{"weight_map":{"a":"y.index.json"} }""", folder =>
                File.WriteAllText(Path.Combine(folder, "y.index.json"), Good)),
            Json("a folder as a shard", "ML5008", """{"weight_map":{"a":"sub"} }""", folder =>
                Directory.CreateDirectory(Path.Combine(folder, "sub"))),
            Json("a tensor that is in no shard", "ML5009", """{"weight_map":{"a":"s1.safetensors","b":"s1.safetensors"} }"""),
            Json("a tensor in another shard", "ML5009", """{"weight_map":{"a":"s2.safetensors"} }""", folder =>
                Write(folder, "s2.safetensors", "c")),
            Json(
                "a tensor in two shards and not in the one of the index",
                "ML5009",
                """{"weight_map":{"a":"s2.safetensors","b":"s1.safetensors","c":"s3.safetensors"} }""",
                folder =>
                {
                    Write(folder, Shard, "a", "b");
                    Write(folder, "s2.safetensors", "d");
                    Write(folder, "s3.safetensors", "a", "c");
                }),
            Json("a shard cut off", "ML1005", Good, folder =>
                File.WriteAllBytes(Path.Combine(folder, Shard), SafetensorsCorpus.Sound[..^1])),
            Json("an empty shard", "ML1003", Good, folder => File.WriteAllBytes(Path.Combine(folder, Shard), [])),
            Json("a shard that is text", "ML1016", Good, folder => File.WriteAllText(Path.Combine(folder, Shard), "not weights at all")),
            Json("a shard that is a git-lfs pointer", "ML1011", Good, folder =>
                File.WriteAllText(Path.Combine(folder, Shard), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n")),
            Json("a shard that is a program", "ML3010", """{"weight_map":{"a":"s1.bin"} }""", folder =>
                File.WriteAllBytes(
                    Path.Combine(folder, "s1.bin"),
                    ZipForge.Torch(pickle: PickleForge.Whole(PickleForge.Call("os", "system", PickleForge.Text("id")))))),
            Json("a pickle named as safetensors", "ML1008", Good, folder =>
                File.WriteAllBytes(Path.Combine(folder, Shard), ZipForge.Torch())),
            new(HostileFile.Index, "two indexes in a folder", "ML5011", "", folder =>
            {
                File.WriteAllText(Path.Combine(folder, "x.index.json"), Good);
                File.WriteAllText(Path.Combine(folder, "y.index.json"), Good);
            }),
        ];

    private static HostileFile Json(string name, string rule, string json, Action<string>? more = null) =>
        Bytes(name, rule, Encoding.UTF8.GetBytes(json), more);

    private static HostileFile Bytes(string name, string rule, byte[] json, Action<string>? more = null) =>
        new(HostileFile.Index, name, rule, "x.index.json", folder =>
        {
            File.WriteAllBytes(Path.Combine(folder, "x.index.json"), json);
            File.WriteAllBytes(Path.Combine(folder, Shard), SafetensorsCorpus.Sound);
            more?.Invoke(folder);
        });

    private static IEnumerable<HostileFile> Escapes(params (string What, string Shard)[] shards) =>
        shards.Select(shard =>
            Json($"a shard name that is or has {shard.What}", "ML5006", $$"""{"weight_map":{"a":"{{shard.Shard}}"} }"""));

    private static void Write(string folder, string file, params string[] tensors) =>
        File.WriteAllBytes(
            Path.Combine(folder, file), Checkpoints.CheckpointKit.SafetensorsOfBytes([.. tensors.Select(name => (name, 4))]));
}
