using System.Globalization;
using System.Text;
using MemLoad.Tests.Checkpoints;
using MemLoad.Tests.Corpus;

namespace MemLoad.Tests.Remote;

/// <summary>
/// A checkpoint on a server has the same content as in a file. The readers are the same, and only the source of the bytes differs.
/// </summary>
public sealed class RemoteCheckpointTests : IDisposable
{
    private const int FirstBytes = 32 << 10;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> FixtureFiles =>
        [.. ((IEnumerable<object[]>)Fixtures.All).Select(row => (string)row[0]).Where(name => File.Exists(Fixtures.PathOf(name)))];

    [Theory]
    [MemberData(nameof(FixtureFiles))]
    public void A_fixture_on_a_server_is_read_as_from_a_file(string name)
    {
        using LocalServer server = LocalServer.OfFolder(Fixtures.Root);

        string path = Fixtures.PathOf(name);
        Same(Opened(path), Opened(server[name]), Path.GetDirectoryName(path)!, server[name[..^Path.GetFileName(name).Length]]);
    }

    public static TheoryData<string> HostileIds =>
        [
            .. HostileFiles
                .All.Where(file =>
                    file.Open.Length > 0
                    && file.Format is not (HostileFile.Manifest or HostileFile.Distributed or HostileFile.Folder)
                    && !file.Open.Contains("manifests", StringComparison.Ordinal))
                .Select(file => file.Id),
        ];

    [Theory]
    [MemberData(nameof(HostileIds))]
    public void A_malformed_file_is_refused_by_the_same_rule_at_the_same_byte(string id)
    {
        HostileFile hostile = HostileFiles.All.Single(file => file.Id == id);
        hostile.Make(_folder.Path);
        if (OperatingSystem.IsLinux() && !File.Exists(_folder[hostile.Open]))
        {
            return; // a link to nothing, or a folder
        }
        using LocalServer server = LocalServer.OfFolder(_folder.Path);

        var local = Assert.IsType<MemLoadException>(Opened(_folder[hostile.Open]));
        var remote = Assert.IsType<MemLoadException>(Opened(server[hostile.Open]));

        // A file that the server does not have is refused by another rule.
        string[] missing = ["ML1001", "ML5007", "ML4116", "ML4117", "ML5008"];
        if (missing.Contains(local.Rule.Id))
        {
            Assert.Contains(remote.Rule.Id, (string[])["ML5204", .. missing]);
            return;
        }
        Same(local, remote, _folder.Path, server[""]);
    }

    [Fact]
    public void A_set_of_shards_is_opened_with_one_request_per_file_and_few_at_a_time()
    {
        const int Shards = 40;
        string[] names =
        [
            .. Enumerable
                .Range(1, Shards)
                .Select(i => string.Create(CultureInfo.InvariantCulture, $"model-{i:d5}-of-{Shards:d5}.safetensors")),
        ];
        for (int i = 0; i < Shards; i++)
        {
            _folder.Write(names[i], CheckpointKit.SafetensorsOfBytes(($"t{i}", 100_000), ($"u{i}", 3)));
        }
        string map = string.Join(',', names.SelectMany((name, i) => (string[])[$"\"t{i}\":\"{name}\"", $"\"u{i}\":\"{name}\""]));
        _folder.Write("model.safetensors.index.json", $"{{\"metadata\":{{}},\"weight_map\":{{{map}}}}}");
        using LocalServer server = LocalServer.OfFolder(_folder.Path);

        Same(Opened(_folder["model.safetensors.index.json"]), Opened(server["model.safetensors.index.json"]), _folder.Path, server[""]);

        Assert.Equal(Shards + 1, server.Requests.Count);
        Assert.InRange(server.MostAtATime, 1, 8);
        Assert.InRange(server.SentBytes, 0, (Shards + 1) * FirstBytes);
        Assert.All(server.Requests, asked => Assert.Equal("identity", asked.Headers["accept-encoding"]));
    }

    [Fact]
    public void A_header_that_is_longer_than_the_first_piece_is_fetched_to_its_end_and_no_further()
    {
        (string, int)[] tensors =
        [
            .. Enumerable.Range(0, 20_000).Select(i => (string.Create(CultureInfo.InvariantCulture, $"layer.{i}.weight"), 50)),
        ];
        byte[] file = CheckpointKit.SafetensorsOfBytes(tensors);
        long header = BitConverter.ToInt64(file);
        using LocalServer server = LocalServer.Of(("m.safetensors", file));

        var checkpoint = Checkpoint.Open(server["m.safetensors"]);

        Assert.Equal(20_000, checkpoint.Tensors.Length);
        Assert.Equal(file.Length, checkpoint.FileBytes);
        Assert.Equal(2, server.Requests.Count);
        Assert.InRange(server.SentBytes, header, header + FirstBytes);
        Assert.Equal("\"one\"", server.Requests.Last().Headers["if-range"]);
    }

    [Fact]
    public void A_long_header_of_GGUF_is_read_in_few_requests()
    {
        byte[][] words =
        [
            .. Enumerable.Range(0, 100_000).Select(i => GgufForge.Text(string.Create(CultureInfo.InvariantCulture, $"word{i}"))),
        ];
        byte[] file = GgufForge.Model().Key("tokenizer.ggml.merges", 9, GgufForge.Array(8, 100_000, words)).Build();
        _folder.Write("m.gguf", file);
        using LocalServer server = LocalServer.OfFolder(_folder.Path);

        Same(Opened(_folder["m.gguf"]), Opened(server["m.gguf"]), _folder.Path, server[""]);

        Assert.InRange(server.Requests.Count, 2, 8);
    }

    [Fact]
    public void The_headers_of_records_after_large_storages_are_fetched_concurrently()
    {
        const int Records = 60;
        string path = _folder["m.pth"];
        var source = new Writing.MemorySource();
        for (int i = 0; i < Records; i++)
        {
            source.Add(string.Create(CultureInfo.InvariantCulture, $"t{i}"), DType.UInt8, 200_000);
        }
        CheckpointWriter.Write(source, path, CheckpointFormat.TorchZip);
        using LocalServer server = LocalServer.OfFolder(_folder.Path);

        Same(Opened(path), Opened(server["m.pth"]), _folder.Path, server[""]);

        Assert.InRange(server.Requests.Count, Records, Records + 12);
        Assert.InRange(server.SentBytes, 1, 400_000);
    }

    [Fact]
    public void Parts_of_GGUF_are_found_in_the_folder_of_the_first()
    {
        for (int i = 0; i < 2; i++)
        {
            var part = new GgufForge()
                .Key("general.architecture", "llama")
                .Key("split.no", 2, BitConverter.GetBytes((ushort)i))
                .Key("split.count", 2, BitConverter.GetBytes((ushort)2))
                .Key("split.tensors.count", 5, BitConverter.GetBytes(2));
            _folder.Write($"m-0000{i + 1}-of-00002.gguf", part.Tensor($"t{i}", 0, [4], new byte[16]).Build());
        }
        using LocalServer server = LocalServer.OfFolder(_folder.Path);

        Same(Opened(_folder["m-00001-of-00002.gguf"]), Opened(server["m-00001-of-00002.gguf"]), _folder.Path, server[""]);
    }

    [Theory]
    [InlineData("my model")]
    [InlineData("50%20 é#")]
    public void Parts_of_GGUF_with_an_escaped_name_are_found(string name)
    {
        for (int i = 0; i < 2; i++)
        {
            var part = new GgufForge()
                .Key("split.no", 2, BitConverter.GetBytes((ushort)i))
                .Key("split.count", 2, BitConverter.GetBytes((ushort)2));
            _folder.Write($"{name}-0000{i + 1}-of-00002.gguf", part.Tensor($"t{i}", 0, [4], new byte[16]).Build());
        }
        using LocalServer server = LocalServer.OfFolder(_folder.Path);
        string escaped = Uri.EscapeDataString(name);

        var set = Checkpoint.Open(server[$"{escaped}-00002-of-00002.gguf"]);

        Assert.Equal(["t0", "t1"], set.Tensors.Select(tensor => tensor.Name));
        Assert.Equal($"/{escaped}-00001-of-00002.gguf", server.Requests.Last().Path);
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("pytorch_model.bin")]
    public void A_folder_on_a_server_is_opened_by_a_usual_name(string name)
    {
        _folder.Write(
            name, name.EndsWith(".bin", StringComparison.Ordinal) ? ZipForge.Torch() : CheckpointKit.SafetensorsOfBytes(("a", 3)));
        using LocalServer server = LocalServer.OfFolder(_folder.Path);

        var checkpoint = Checkpoint.Open(server[""]);

        Assert.Equal(server[name], checkpoint.Path);
        File.Delete(_folder[name]);
        Assert.Equal("ML5202", Assert.Throws<MemLoadException>(() => Checkpoint.Open(server[""])).Rule.Id);
    }

    // Amazon S3 answers 403 for a missing object to those who may not list the bucket.
    [Fact]
    public void A_missing_file_that_a_store_does_not_tell_from_a_forbidden_one_is_missing()
    {
        byte[] file = CheckpointKit.SafetensorsOfBytes(("a", 3));
        using LocalServer store = new(asked => asked.Path == "/model.safetensors" ? Reply.Of(asked, file) : new Reply(403, []));
        using LocalServer closed = new(_ => new Reply(403, []));

        Assert.Equal(store["model.safetensors"], Checkpoint.Open(store[""]).Path);
        using var session = new RemoteSession(store[""], new OpenLimits(), default);
        Assert.Null(session.TryOpenWhole(store["config.json"], 1000));

        foreach (string name in (string[])["", "model.safetensors.index.json"])
        {
            var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(closed[name]));
            Assert.Equal(("ML5204", closed["model.safetensors.index.json"]), (refusal.Rule.Id, refusal.Path));
            Assert.StartsWith("the server answers 403", refusal.Finding, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Odd_names_and_queries_reach_the_server_and_queries_are_in_no_row()
    {
        using LocalServer server = LocalServer.Of(
            ("a b é.safetensors", CheckpointKit.SafetensorsOfBytes(("a", 3))),
            ("p#1?.safetensors", CheckpointKit.SafetensorsOfBytes(("b", 3))),
            ("m.safetensors.index.json", """{"weight_map":{"b":"p#1?.safetensors"}}"""u8.ToArray()));

        var plain = Checkpoint.Open(server["a%20b%20%C3%A9.safetensors?sig=secret%2F1"]);
        Assert.Equal(server["a%20b%20%C3%A9.safetensors"], plain.Path);
        Assert.Equal(plain.Path, Assert.Single(plain.Files).Path);
        Assert.Equal("/a%20b%20%C3%A9.safetensors?sig=secret%2F1", server.Requests.Last().Path);

        var set = Checkpoint.Open(server["m.safetensors.index.json?sig=secret"]);
        Assert.Equal("b", Assert.Single(set.Tensors).Name);
        Assert.Equal("/p%231%3F.safetensors?sig=secret", server.Requests.Last().Path);
        Assert.Equal(server["p%231%3F.safetensors"], Assert.Single(set.Files).Path);
    }

    [Theory]
    [InlineData(".metadata")]
    [InlineData("__0_0.distcp")]
    public void A_distributed_checkpoint_is_named_and_not_read(string name)
    {
        using LocalServer server = LocalServer.OfFolder(Fixtures.PathOf("distributed/one-rank"));

        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(server[name]));

        Assert.Equal("ML5017", refusal.Rule.Id);
        Assert.Contains("Download the whole folder", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_of_tensors_are_refused_everywhere()
    {
        using LocalServer server = LocalServer.Of(("m.safetensors", CheckpointKit.SafetensorsOfBytes(("a", 3))));
        string address = server["m.safetensors?token=secret"];
        var request = new LoadRequest { Path = address, Strategy = Strategy.Stream, Device = "sim" };

        foreach (Action read in (Action[])
        [
            () => PreparedLoad.Prepare(request), () => WeightTester.Test(address, deep: true), () => WeightTester.Test(address),
            () => new MeasureSession(MeasureRequest.Repeat([request], 1, CacheState.AsIs), null).Forecast(default),
        ])
        {
            var refusal = Assert.Throws<MemLoadException>(read);
            Assert.Equal("ML5201", refusal.Rule.Id);
            Assert.DoesNotContain("secret", refusal.Message, StringComparison.Ordinal);
        }
        Assert.Empty(server.Requests);

        // An opened checkpoint cannot read its bytes either.
        var checkpoint = Checkpoint.Open(address);
        Assert.Equal("ML5201", Assert.Throws<MemLoadException>(() => WeightsDigest.OfTensors(checkpoint)).Rule.Id);
        Assert.Equal(
            "ML5201",
            Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(checkpoint, _folder["x.pth"], CheckpointFormat.TorchZip)).Rule.Id);
        Assert.Empty(_folder.Names);
    }

    [Fact]
    public void A_plan_of_an_address_is_that_of_the_file()
    {
        using LocalServer server = LocalServer.OfFolder(Fixtures.Root);
        LoadForecast[] Plan(string path) =>
            [
                .. LoadPlanner.Forecast([
                    .. Strategies.All.Select(strategy => new LoadRequest
                    {
                        Path = path,
                        Strategy = strategy,
                        Device = "sim",
                        DeviceMemoryLimit = 1 << 20,
                    }),
                ]),
            ];

        LoadForecast[] local = Plan(Fixtures.PathOf("tiny/fp32.safetensors"));
        LoadForecast[] remote = Plan(server["tiny/fp32.safetensors"]);

        Assert.Equal(local.Select(WithoutTheComputer), remote.Select(WithoutTheComputer));
        Assert.All(remote, row => Assert.Equal((server["tiny/fp32.safetensors"], null), (row.Path, row.FileSystem)));

        // The forecast of the time depends on the share of the file that is in the page cache, which other tests change.
        static LoadForecast WithoutTheComputer(LoadForecast row) =>
            row with { Path = "", FileSystem = null, HostBudgetBytes = 0, ForecastMicroseconds = null, Note = null, Message = null };
    }

    private static object Opened(string path)
    {
        try
        {
            return Checkpoint.Open(path);
        }
        catch (MemLoadException e)
        {
            return e;
        }
    }

    // Everything except the place must be equal. The rules on links of a file system do not apply to a server.
    private static void Same(object local, object remote, string folder, string server)
    {
        Assert.Equal(Said(local).Replace(folder + Path.DirectorySeparatorChar, server, StringComparison.Ordinal), Said(remote));
    }

    private static string Said(object opened)
    {
        if (opened is MemLoadException e)
        {
            return $"{e.Rule.Id} {e.Path} {e.Offset} {e.Finding}";
        }
        var checkpoint = (Checkpoint)opened;
        var text = new StringBuilder();
        text.AppendJoin(
                '\n',
                checkpoint.Path,
                checkpoint.Format,
                checkpoint.ModelBytes,
                checkpoint.FileBytes,
                string.Join(';', checkpoint.Findings))
            .Append('\n');
        text.AppendJoin(
                '\n',
                checkpoint.Metadata.Select(pair => $"{pair.Key}={Convert.ToString(pair.Value, CultureInfo.InvariantCulture)}"))
            .Append('\n');
        text.AppendJoin('\n', WeightInfo.Of(checkpoint));
        return text.ToString();
    }
}
