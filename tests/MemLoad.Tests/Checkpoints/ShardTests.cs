using System.Text.Json;
using static MemLoad.Tests.Checkpoints.CheckpointKit;

namespace MemLoad.Tests.Checkpoints;

public sealed class ShardTests : IDisposable
{
    private const string IndexName = "model.safetensors.index.json";

    private readonly TemporaryFolder _folder = new();

    // Two shards, {x, y} and {z}, in the folder of the index that a test writes.
    public ShardTests()
    {
        _folder.Write("a.safetensors", SafetensorsOfBytes(("x", 3), ("y", 2)));
        _folder.Write("b.safetensors", SafetensorsOfBytes(("z", 4)));
    }

    public void Dispose() => _folder.Dispose();

    private static string Map(string map) => $$"""{"metadata":{"total_size":9},"weight_map":{{map}}}""";

    private static string Placed(string shard) => Map($$"""{"x":"a.safetensors","y":"a.safetensors","z":"{{shard}}"}""");

    private static readonly (string What, string Rule, string Index)[] MalformedIndexes =
    [
        ("nothing", "ML1003", ""),
        ("half a surrogate pair in a shard's name", "ML5002", Placed(@"\ud800")),
        ("half a surrogate pair in metadata", "ML5002", """{"metadata":{"k":"\udc00"},"weight_map":{}}"""),
        ("a byte-order mark", "ML5003", "\uFEFF" + Placed("b.safetensors")),
        ("an open brace", "ML5003", "{"),
        ("an index cut short", "ML5003", Placed("b.safetensors")[..^2]),
        ("a comment", "ML5003", "//\n" + Placed("b.safetensors")),
        ("a comma too many", "ML5003", Map("""{"x":"a.safetensors",}""")),
        ("a second object", "ML5003", Placed("b.safetensors") + "{}"),
        ("zeros at the end", "ML5003", Placed("b.safetensors") + "\0"),
        ("metadata without end", "ML5003", "{\"metadata\":" + string.Concat(Enumerable.Repeat("{\"a\":", 10_000))),
        ("a later field without end", "ML5003", "{\"later\":" + new string('[', 10_000)),
        ("weight_map twice", "ML5004", """{"weight_map":{"x":"a.safetensors"},"weight_map":{"x":"a.safetensors"}}"""),
        ("a tensor twice", "ML5004", Map("""{"x":"a.safetensors","x":"b.safetensors"}""")),
        ("a tensor twice, once escaped", "ML5004", Map("""{"x":"a.safetensors","\u0078":"b.safetensors"}""")),
        ("a name twice in metadata", "ML5004", """{"metadata":{"n":1,"n":2},"weight_map":{}}"""),
        ("a name twice in a later field", "ML5004", """{"later":[{"n":1,"n":2}],"weight_map":{}}"""),
        ("an array", "ML5005", "[]"),
        ("a text", "ML5005", "\"weight_map\""),
        ("no weight_map", "ML5005", """{"metadata":{}}"""),
        ("an empty weight_map", "ML5005", Map("{}")),
        ("an array for weight_map", "ML5005", Map("[]")),
        ("null for weight_map", "ML5005", Map("null")),
        ("a number for a shard", "ML5005", Map("""{"x":1}""")),
        ("null for a shard", "ML5005", Map("""{"x":null}""")),
        ("an object for a shard", "ML5005", Map("""{"x":{"file":"a.safetensors"}}""")),
        ("a text for metadata", "ML5005", """{"metadata":"pt","weight_map":{"x":"a.safetensors"}}"""),
        ("a shard above", "ML5006", Placed("../b.safetensors")),
        ("a shard above, with escapes", "ML5006", Placed(@"\u002e\u002e\u002fb.safetensors")),
        ("a shard above, the Windows way", "ML5006", Placed(@"..\\b.safetensors")),
        ("a shard below", "ML5006", Placed("sub/b.safetensors")),
        ("a shard from the root", "ML5006", Placed("/etc/passwd")),
        ("a shard on a share", "ML5006", Placed(@"\\\\server\\share\\b.safetensors")),
        ("a shard on a drive", "ML5006", Placed("C:b.safetensors")),
        ("a shard in another stream", "ML5006", Placed("b.safetensors:x")),
        ("the folder itself", "ML5006", Placed(".")),
        ("the folder above", "ML5006", Placed("..")),
        ("no name", "ML5006", Placed("")),
        ("a zero in a shard's name", "ML5006", Placed(@"b.safetensors\u0000.bin")),
        ("a shard that is not there", "ML5007", Placed("c.safetensors")),
        ("the index as a shard", "ML5008", Placed(IndexName)),
        ("a folder as a shard", "ML5008", Placed("folder")),
        (
            "a tensor that its shard has not",
            "ML5009",
            Map("""{"x":"a.safetensors","y":"a.safetensors","z":"b.safetensors","w":"b.safetensors"}""")),
        ("a tensor in a shard that the index does not name", "ML5009", Map("""{"x":"a.safetensors","z":"a.safetensors"}""")),
    ];

    public static TheoryData<string, string> Malformed
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach ((string what, string rule, _) in MalformedIndexes)
            {
                data.Add(what, rule);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_malformed_index_is_refused_by_the_rule_it_breaks(string what, string rule)
    {
        Directory.CreateDirectory(Path.Combine(_folder.Path, "folder"));
        string path = _folder.Write(IndexName, MalformedIndexes.Single(index => index.What == what).Index);

        MemLoadException refusal = Refusal(path);

        Assert.Equal((rule, path), (refusal.Rule.Id, refusal.Path));
    }

    [Fact]
    public void A_byte_that_is_not_UTF8_is_refused() =>
        Assert.Equal("ML5002", Refusal(_folder.Write(IndexName, [.. "{\"weight_map\":{\""u8, 0xFF, .. "\":\"a\"}}"u8])).Rule.Id);

    [Fact]
    public void An_index_that_is_too_large_is_refused_without_reading_it()
    {
        string path = _folder.Write(IndexName, "{}");
        using (FileStream file = File.OpenWrite(path))
        {
            file.SetLength(100_000_001);
        }

        Assert.Equal("ML5001", Refusal(path).Rule.Id);
    }

    [Theory]
    [InlineData("c.safetensors", "ML5007", "'c.safetensors'", "\"c.safetensors\"")]
    [InlineData("../c", "ML5006", "'../c'", "\"../c\"")]
    [InlineData("a.safetensors", "ML5009", "'z' is not in its shard 'a.safetensors'", "\"a.safetensors\"}")]
    public void The_refusal_names_tensor_and_shard_and_the_byte_of_the_index(string shard, string rule, string says, string at)
    {
        string index = Placed(shard);

        MemLoadException refusal = Refusal(_folder.Write(IndexName, index));

        Assert.Equal((rule, (long)index.LastIndexOf(at, StringComparison.Ordinal)), (refusal.Rule.Id, refusal.Offset));
        Assert.Contains(says, refusal.Finding, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"x":"a.safetensors","y":"b.safetensors","z":"b.safetensors"}""", "in another shard than the index states: 'y'")]
    [InlineData(
        """{"x":"a.safetensors","z":"b.safetensors"}""", "left out of the shards, because the index does not place them there: 'y'")]
    public void The_index_determines_the_shard_and_a_difference_is_a_finding(string map, string finding)
    {
        string path = _folder.Write(IndexName, Map(map));

        var checkpoint = Checkpoint.Open(path);

        Assert.Equal(finding, Assert.Single(checkpoint.Findings));
        Assert.Equal((true, finding), (WeightTester.Test(path).IsSound, WeightTester.Test(path).Warning));
        Assert.Equal([0, 1, 2], Elements(checkpoint, "x"));
        Assert.Equal([0, 1, 2, 3], Elements(checkpoint, "z"));
    }

    [Fact]
    public void The_index_chooses_between_two_shards_with_the_same_tensor()
    {
        _folder.Write("b.safetensors", SafetensorsOfBytes(("z", 4), ("x", 3)));

        var checkpoint = Checkpoint.Open(_folder.Write(IndexName, Placed("b.safetensors")));

        Assert.Equal([0, 1, 2], Elements(checkpoint, "x"));
        Assert.Contains("'x'", Assert.Single(checkpoint.Findings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_in_two_shards_but_not_in_that_of_the_index_is_refused()
    {
        _folder.Write("b.safetensors", SafetensorsOfBytes(("z", 4), ("x", 3)));
        _folder.Write("c.safetensors", SafetensorsOfBytes(("w", 1)));

        MemLoadException refusal = Refusal(
            _folder.Write(IndexName, Map("""{"x":"c.safetensors","w":"c.safetensors","y":"a.safetensors","z":"b.safetensors"}""")));

        Assert.Equal("ML5009", refusal.Rule.Id);
        Assert.Contains("'a.safetensors', 'b.safetensors' contain a tensor", refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_shard_is_refused_and_a_complete_file_in_the_folder_is_named()
    {
        string whole = _folder.Write("model.safetensors", SafetensorsOfBytes(("x", 3), ("y", 2), ("z", 4)));

        Assert.Contains(whole, Refusal(_folder.Write(IndexName, Placed("c-00001-of-00002.safetensors"))).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_cut_short_is_named()
    {
        string shard = Path.Combine(_folder.Path, "b.safetensors");
        File.WriteAllBytes(shard, File.ReadAllBytes(shard)[..^1]);

        MemLoadException refusal = Refusal(_folder.Write(IndexName, Placed("b.safetensors")));

        Assert.Equal(("ML1005", shard), (refusal.Rule.Id, refusal.Path));
    }

    [Fact]
    public void Shards_become_one_checkpoint_in_the_order_of_the_index()
    {
        string path = _folder.Write(IndexName, Map("""{"z":"b.safetensors","y":"a.safetensors","x":"a.safetensors"}""") + "\n");

        var checkpoint = Checkpoint.Open(path);

        Assert.Equal(CheckpointFormat.Sharded, checkpoint.Format);
        Assert.Equal(path, checkpoint.Path);
        Assert.Equal(["b.safetensors", "a.safetensors"], checkpoint.Files.Select(file => Path.GetFileName(file.Path)));
        Assert.Equal(["z", "y", "x"], checkpoint.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([0, 1, 2, 3], Elements(checkpoint, "z"));
        Assert.Equal([3, 4], Elements(checkpoint, "y"));
        Assert.Equal([0, 1, 2], Elements(checkpoint, "x"));
        Assert.Equal(9, checkpoint.ModelBytes);
    }

    // Programs count tied tensors once or twice, or add up the files. The shards state the sizes more accurately than the total.
    [Theory]
    [InlineData("9")]
    [InlineData("1000000000000")]
    [InlineData("-1.5e3")]
    [InlineData("\"9\"")]
    [InlineData("null")]
    public void The_total_that_an_index_states_is_reported_and_not_trusted(string total)
    {
        string index = Placed("b.safetensors").Replace("\"total_size\":9", $"\"total_size\":{total}", StringComparison.Ordinal);
        string path = _folder.Write(IndexName, index);

        var checkpoint = Checkpoint.Open(path);

        Assert.Equal(9, checkpoint.ModelBytes);
        Assert.Equal(
            total, JsonSerializer.Serialize(checkpoint.Metadata["total_size"]).Replace("-1500", "-1.5e3", StringComparison.Ordinal));
    }

    [Fact]
    public void Metadata_of_any_depth_is_reported_under_dotted_names()
    {
        const string metadata = """{"total_size":9,"q":{"bits":4,"on":true,"groups":[32,{"n":"é"}]},"none":null,"rate":0.5}""";
        string path = _folder.Write(IndexName, Placed("b.safetensors").Replace("""{"total_size":9}""", metadata, StringComparison.Ordinal));

        Assert.Equal(
            ["none=", "q.bits=4", "q.groups.0=32", "q.groups.1.n=é", "q.on=True", "rate=0.5", "total_size=9"],
            Checkpoint
                .Open(path)
                .Metadata.Select(item => FormattableString.Invariant($"{item.Key}={item.Value}"))
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public void PyTorch_shards_keep_what_their_tensors_share()
    {
        Checkpoint[] parts =
        [
            Checkpoint.Open(_folder.CopyFixture("layout/tied_module.pth", "pytorch_model-00001-of-00002.bin")),
            Checkpoint.Open(_folder.CopyFixture("tiny/bf16.pth", "pytorch_model-00002-of-00002.bin")),
        ];
        var map = parts
            .SelectMany(part => part.Tensors.Select(tensor => KeyValuePair.Create(tensor.Name, Path.GetFileName(part.Path))))
            .ToDictionary();
        string index = JsonSerializer.Serialize(new Dictionary<string, object> { ["weight_map"] = map });

        var whole = Checkpoint.Open(_folder.Write("pytorch_model.bin.index.json", index));

        Assert.Equal(parts.Sum(part => part.Storages.Length), whole.Storages.Length);
        Assert.Equal(parts.Sum(part => part.ModelBytes), whole.ModelBytes);
        Assert.True(parts[0].Storages.Length < parts[0].Tensors.Length, "the first shard has tied tensors");
        Assert.Equal(
            parts.SelectMany(part => part.Tensors.Select(tensor => (tensor.Name, Digest(part, tensor)))).Order(),
            whole.Tensors.Select(tensor => (tensor.Name, Digest(whole, tensor))).Order());
    }

    [Fact]
    public void Shards_may_be_links_as_in_the_cache_of_Hugging_Face()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // links need a privilege there
        }
        string index = _folder.Write(IndexName, Placed("b.safetensors"));
        DirectoryInfo snapshot = Directory.CreateDirectory(Path.Combine(_folder.Path, "snapshot"));
        foreach (string file in new[] { "a.safetensors", "b.safetensors", IndexName })
        {
            File.CreateSymbolicLink(Path.Combine(snapshot.FullName, file), Path.Combine("..", file));
        }

        Assert.Equal(Checkpoint.Open(index).Tensors.Length, Checkpoint.Open(Path.Combine(snapshot.FullName, IndexName)).Tensors.Length);
    }
}
