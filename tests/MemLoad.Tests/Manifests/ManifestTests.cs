using System.Text;
using System.Text.Json;
using MemLoad.Tests.Cli;
using MemLoad.Tests.Corpus;
using MemLoad.Tests.Peers;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Manifests;

/// <summary>The properties of a manifest. It is equal for equal weights in any place, and is read only if it is consistent.</summary>
public sealed class ManifestTests : IDisposable
{
    // The digest of docs/digest.md for the weights that PyTorch loads.
    private const string Recompute = """
        import hashlib, json, sys
        import torch
        def entry(name, t):
            data = t.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
            return {"Name": name, "DType": str(t.dtype)[6:], "Shape": list(t.shape), "Bytes": len(data), "Sha256": hashlib.sha256(data).hexdigest()}
        tensors = [entry(name, t) for name, t in sorted(torch.load(sys.argv[1], weights_only=True).items())]
        lines = [f"{t['Name']}\t{t['DType']}\t{','.join(map(str, t['Shape']))}\t{t['Sha256']}\n" for t in tensors]
        print(json.dumps({"ManifestVersion": 1, "WeightsDigest": hashlib.sha256("".join(lines).encode()).hexdigest(), "Tensors": tensors}))
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void The_same_weights_have_the_same_manifest_to_the_last_byte_in_every_format(int seed)
    {
        MemorySource source = SmallModels.Random(seed);
        string[] manifests =
        [
            .. SmallModels.Formats.Select(format => WriteManifest(SmallModels.Write(source, _folder, format), $"{format}.json").Manifest),
        ];

        Assert.All(manifests, manifest => Assert.Equal(File.ReadAllBytes(manifests[0]), File.ReadAllBytes(manifest)));
        var read = WeightManifest.Read(manifests[0]);
        Assert.Equal(WeightsDigest.Of(source), read.WeightsDigest);
        Assert.Equal(
            source.Lines(strides: false),
            read.Tensors.Select(t => string.Join('\t', t.Name, t.DType.TorchName(), string.Join(',', t.Shape), "", t.Sha256))
                .Order(StringComparer.Ordinal));
    }

    [NeedsFact(typeof(PythonPeer), DisplayName = "Ten lines of Python create a manifest that is read, and the same digests")]
    public void Python_creates_the_same_manifest()
    {
        string random = SmallModels.Write(SmallModels.Random(7), _folder, "pth");
        foreach (string path in (string[])[random, Fixtures.PathOf("layout/views_and_shared.pth"), Fixtures.PathOf("dtypes/classic.pth")])
        {
            WeightManifestInfo ours = WriteManifest(path, $"{Path.GetFileName(path)}.json");
            string theirs = _folder.Write($"{Path.GetFileName(path)}.python.json", PythonPeer.Run(Recompute, path).GetRawText());

            Assert.Equal(ours.WeightsDigest, WeightManifest.Read(theirs).WeightsDigest);
            Assert.True(WeightTester.Test(path, manifest: WeightManifest.Read(theirs)).IsSound);
            JsonElement mine = JsonDocument.Parse(File.ReadAllText(ours.Manifest)).RootElement;
            Assert.Equal(
                JsonDocument.Parse(File.ReadAllText(theirs)).RootElement.GetProperty("Tensors").EnumerateArray().Select(Plain),
                mine.GetProperty("Tensors").EnumerateArray().Select(Plain));
        }

        static string Plain(JsonElement tensor) =>
            string.Join('\t', tensor.EnumerateObject().Select(field => field.Value.ToString().Replace(" ", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_flipped_bit_anywhere_in_a_manifest_is_refused_or_changes_nothing_that_counts()
    {
        string path = WriteManifest(Fixtures.PathOf("dtypes/zero_dim_and_empty.pth"), "good.json").Manifest;
        var good = WeightManifest.Read(path);
        byte[] text = File.ReadAllBytes(path);
        // The step divides neither a byte nor a line. It changes every third bit, at another place of each byte.
        for (int bit = 0; bit < text.Length * 8; bit += 3)
        {
            text[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                var other = WeightManifest.Read(_folder.Write("flipped.json", text));
                Assert.Equal(good.WeightsDigest, other.WeightsDigest);
            }
            catch (MemLoadException e)
            {
                Assert.StartsWith("ML610", e.Rule.Id, StringComparison.Ordinal);
            }
            text[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void A_manifest_of_a_hundred_thousand_tensors_is_read_in_proportion_to_its_text()
    {
        TensorDigest[] tensors =
        [
            .. Enumerable.Range(0, 100_000).Select(i => new TensorDigest($"layers.{i}.weight", DType.BFloat16, [8, 8], $"{i:x64}")),
        ];
        var manifest = new WeightManifest("0.1.0", WeightsDigest.Of(tensors), [.. tensors]);
        byte[] text = ManifestWriter.Format(manifest).ToArray();
        string path = _folder.Write("large.json", text);

        long before = GC.GetAllocatedBytesForCurrentThread();
        var read = WeightManifest.Read(path);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(manifest.WeightsDigest, read.WeightsDigest);
        Assert.InRange(allocated, text.Length, (16L << 20) + (8L * text.Length));
    }

    [Fact]
    public void A_file_is_replaced_only_on_request_and_weights_never()
    {
        string model = _folder.CopyFixture("tiny/fp32.pth", "model.pth");
        byte[] weights = File.ReadAllBytes(model);
        WeightManifestInfo written = WriteManifest(model, "model.manifest.json");
        Assert.Equal(ManifestWriter.DefaultPath(model), written.Manifest);
        byte[] text = File.ReadAllBytes(written.Manifest);
        File.WriteAllText(written.Manifest, "mine");

        Assert.Equal("ML9102", Refusal(written.Manifest));
        Assert.Equal("mine", File.ReadAllText(written.Manifest));
        Assert.Equal("ML1008", Refusal(model, overwrite: true));
        Assert.Equal("ML1008", Refusal(_folder["model.safetensors.index.json"]));
        Assert.Equal("ML9103", Refusal(_folder["nowhere/model.json"]));
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            ManifestWriter.Write(Checkpoint.Open(model), written.Manifest, true, null, stop.Token));
        Assert.Equal("mine", File.ReadAllText(written.Manifest));
        ManifestWriter.Write(Checkpoint.Open(model), written.Manifest, overwrite: true);
        Assert.Equal(text, File.ReadAllBytes(written.Manifest));
        Assert.Equal(weights, File.ReadAllBytes(model));
        Assert.Equal(["model.manifest.json", "model.pth"], _folder.Names);

        string Refusal(string path, bool overwrite = false) =>
            Assert.Throws<MemLoadException>(() => ManifestWriter.Write(Checkpoint.Open(model), path, overwrite)).Rule.Id;
    }

    [Fact]
    public void The_default_name_is_that_of_the_checkpoint()
    {
        Directory.CreateDirectory(_folder["tensors.v2"]);

        Assert.Equal(_folder["a.b.manifest.json"], ManifestWriter.DefaultPath(_folder["a.b.pth"]));
        Assert.Equal(_folder["tensors.v2.manifest.json"], ManifestWriter.DefaultPath(_folder["tensors.v2"] + Path.DirectorySeparatorChar));
        Assert.Equal(
            _folder[Path.Combine("tensors.v2", "a.manifest.json")], ManifestWriter.DefaultPath(_folder["a.pth"], _folder["tensors.v2"]));
    }

    [Fact]
    public void The_command_prints_its_path_and_its_digest()
    {
        string model = _folder.CopyFixture("tiny/fp32.pth", "model.pth");
        string digest = WeightsDigest.Of(Checkpoint.Open(model));

        CliRun run = CliRun.Of("manifest", "--path", model);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(digest, run.Output, StringComparison.Ordinal);
        Assert.Equal(digest, WeightManifest.Read(_folder["model.manifest.json"]).WeightsDigest);
        Assert.Equal(1, CliRun.Of("manifest", "--path", model).ExitCode);
        CliRun forced = CliRun.Of("manifest", "--path", model, "--force", "--format", "json");
        Assert.Equal(_folder["model.manifest.json"], JsonDocument.Parse(forced.Output).RootElement.GetProperty("Manifest").GetString());
    }

    [Fact]
    public void The_text_is_plain_json_with_one_line_per_tensor()
    {
        string[] lines = File.ReadAllLines(WriteManifest(Fixtures.PathOf("tiny/fp32.pth"), "x.json").Manifest);

        Assert.Equal(
            "    ".Length,
            lines.First(line => line.Contains("\"tok_emb.weight\"", StringComparison.Ordinal)).IndexOf('{', StringComparison.Ordinal));
        Assert.Equal(
            Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth")).Tensors.Length,
            lines.Count(line => line.Contains("\"Sha256\"", StringComparison.Ordinal)));
        Assert.Equal(
            "a", Assert.Single(WeightManifest.Read(_folder.Write("s.json", Encoding.UTF8.GetBytes(ManifestCorpus.Sound))).Tensors).Name);
    }

    private WeightManifestInfo WriteManifest(string checkpoint, string name) =>
        ManifestWriter.Write(Checkpoint.Open(checkpoint), _folder[name]);
}
