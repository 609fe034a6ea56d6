using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using static MemLoad.Tests.Checkpoints.CheckpointKit;

namespace MemLoad.Tests.Checkpoints;

/// <summary>The cache of the Hugging Face hub as huggingface_hub writes it, with links and without.</summary>
public sealed class HubCacheTests : IDisposable
{
    private const string Commit = "607a30d783dfa663caf39e06633721c8d4cfcd7e";

    private readonly TemporaryFolder _folder = new();
    private readonly string? _before = Environment.GetEnvironmentVariable("HF_HUB_CACHE");

    public HubCacheTests() => Environment.SetEnvironmentVariable("HF_HUB_CACHE", _folder.Path);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", _before);
        _folder.Dispose();
    }

    private static readonly byte[] Weights = SafetensorsOfBytes(("x", 3), ("y", 2));

    // A model with the files of one commit. A small file is named by its SHA-1 as a git object, a large one by its SHA-256.
    private string Model(string name, string commit, params (string File, byte[] Content, bool IsLarge)[] files)
    {
        string model = Path.Combine(_folder.Path, "models--" + name.Replace("/", "--", StringComparison.Ordinal));
        foreach ((string file, byte[] content, bool isLarge) in files)
        {
            string hash = isLarge ? Convert.ToHexStringLower(SHA256.HashData(content)) : GitHash(content);
            Directory.CreateDirectory(Path.Combine(model, "blobs"));
            File.WriteAllBytes(Path.Combine(model, "blobs", hash), content);
            Link(Path.Combine(model, "snapshots", commit, file), Path.Combine("..", "..", "blobs", hash));
        }
        Directory.CreateDirectory(Path.Combine(model, "refs"));
        File.WriteAllText(Path.Combine(model, "refs", "main"), commit);
        return model;
    }

    [Fact]
    public void A_file_is_written_next_to_a_snapshot_only_if_its_name_is_given()
    {
        string model = Model("org/name", Commit, ("model.safetensors", Weights, true));
        string snapshot = Path.Combine(model, "snapshots", Commit);

        foreach (string folder in new[] { snapshot, snapshot + "/", model, Path.Combine(model, "snapshots") })
        {
            Assert.Equal("ML9103", Assert.Throws<MemLoadException>(() => ManifestWriter.DefaultPath(folder)).Rule.Id);
            Assert.Equal("ML9103", Assert.Throws<MemLoadException>(() => HubCache.RequireNoSnapshot(folder)).Rule.Id);
        }
        Assert.Equal(Path.Combine(_folder.Path, $"{Commit}.manifest.json"), ManifestWriter.DefaultPath(snapshot, _folder.Path));
        Assert.Equal(
            Path.Combine(snapshot, "model.manifest.json"), ManifestWriter.DefaultPath(Path.Combine(snapshot, "model.safetensors")));
    }

    private static string GitHash(byte[] content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {content.Length}\0")));
        hash.AppendData(content);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Windows requires a privilege for links. The cache there has text, as a copy without links.
    private static void Link(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (OperatingSystem.IsWindows())
        {
            File.WriteAllText(path, target.Replace('\\', '/'));
        }
        else
        {
            File.CreateSymbolicLink(path, target);
        }
    }

    private string Tiny(params (string File, byte[] Content, bool IsLarge)[] more) =>
        Model("org/tiny", Commit, [("model.safetensors", Weights, true), ("config.json", "{}"u8.ToArray(), false), .. more]);

    [Fact]
    public void A_model_opens_by_its_folder_its_address_its_snapshot_and_its_blob()
    {
        string model = Tiny();
        string snapshot = Path.Combine(model, "snapshots", Commit);
        string blob = Directory.GetFiles(Path.Combine(model, "blobs")).Single(path => Path.GetFileName(path).Length == 64);

        foreach (string path in new[]
            {
                model,
                model + Path.DirectorySeparatorChar,
                Path.Combine(model, "snapshots"),
                snapshot,
                Path.Combine(snapshot, "model.safetensors"),
                blob,
                "hf://org/tiny",
                "HF://org/tiny",
                "hf://org/tiny@main",
                $"hf://org/tiny@{Commit}",
                "hf://org/tiny@607a30d",
                "hf://org/tiny/model.safetensors",
                "hf://org/tiny@main/model.safetensors",
            })
        {
            var checkpoint = Checkpoint.Open(path);

            Assert.Equal(["x", "y"], checkpoint.Tensors.Select(tensor => tensor.Name));
            Assert.Equal([3, 4], Elements(checkpoint, "y"));
            Assert.Empty(checkpoint.Findings);
        }
    }

    [Fact]
    public void A_model_without_an_organisation_and_another_revision_open()
    {
        Model("gpt2", Commit, ("model.safetensors", Weights, true));
        string model = Model("gpt2", "ffffffffffffffffffffffffffffffffffffffff", ("model.safetensors", SafetensorsOfBytes(("z", 1)), true));
        Directory.CreateDirectory(Path.Combine(model, "refs", "refs", "pr"));
        File.WriteAllText(Path.Combine(model, "refs", "refs", "pr", "1"), Commit + "\n");

        Assert.Equal("z", Assert.Single(Checkpoint.Open("hf://gpt2").Tensors).Name);
        Assert.Equal(2, Checkpoint.Open("hf://gpt2@refs%2Fpr%2F1").Tensors.Length);
        Assert.Equal(2, Checkpoint.Open(HubCache.AtRevision("hf://gpt2", "refs/pr/1")).Tensors.Length);
        Assert.Equal(2, Checkpoint.Open(HubCache.AtRevision(model, Commit)).Tensors.Length);
        Assert.Equal("ML5021", Assert.Throws<MemLoadException>(() => HubCache.AtRevision(_folder.Path, "main")).Rule.Id);
    }

    [Fact]
    public void Of_two_formats_safetensors_is_read_and_unfinished_downloads_are_named()
    {
        string model = Tiny(("pytorch_model.bin", File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.pth")), true));
        File.WriteAllText(Path.Combine(model, "blobs", "0123.incomplete"), "");

        var checkpoint = Checkpoint.Open(model);

        Assert.Equal(CheckpointFormat.Safetensors, checkpoint.Format);
        Assert.Equal(
            ["left out of the folder: 'pytorch_model.bin'", "downloads into the cache that were not completed: '0123.incomplete'"],
            checkpoint.Findings.ToArray());
    }

    [Theory]
    [InlineData("hf://org/absent", "ML5018", "hf download org/absent")]
    [InlineData("hf://org/tiny@absent", "ML5018", "hf download org/tiny")]
    [InlineData("hf://org", "ML5018", "hf download org")]
    [InlineData("hf://", "ML5021", "hf://ORG/NAME")]
    [InlineData("hf://../tiny", "ML5021", "hf://ORG/NAME")]
    [InlineData("hf://org/ti--ny", "ML5021", "hf://ORG/NAME")]
    [InlineData("hf://org/tiny/../../x", "ML5021", "hf://ORG/NAME")]
    [InlineData("hf://org/tiny@..%2F..%2Fx", "ML5018", "hf download org/tiny")]
    [InlineData("hf://org/tiny/absent.safetensors", "ML1001", "Check the spelling")]
    public void An_address_that_names_nothing_in_the_cache_is_refused_and_nothing_is_downloaded(string address, string rule, string remedy)
    {
        Tiny();

        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(address));

        Assert.Equal(rule, refusal.Rule.Id);
        Assert.Contains(remedy, refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_without_a_target_is_an_incomplete_download()
    {
        string model = Tiny();
        Array.ForEach(Directory.GetFiles(Path.Combine(model, "blobs")), File.Delete);

        MemLoadException refusal = Refusal(() => Checkpoint.Open(model));

        Assert.Equal("ML5019", refusal.Rule.Id);
        Assert.Contains("hf download org/tiny", refusal.Remedy, StringComparison.Ordinal);
        Assert.Equal(("Unsound", "ML5019"), (WeightTester.Test(model).Verdict, WeightTester.Test(model).RuleId));
    }

    [Fact]
    public void A_shard_whose_blob_is_missing_is_named()
    {
        string index = """{"weight_map":{"x":"model-00001-of-00002.safetensors","z":"model-00002-of-00002.safetensors"}}""";
        byte[] second = SafetensorsOfBytes(("z", 4));
        string model = Model("org/big", Commit, ("model-00001-of-00002.safetensors", SafetensorsOfBytes(("x", 3)), true),
            ("model-00002-of-00002.safetensors", second, true), ("model.safetensors.index.json", Encoding.UTF8.GetBytes(index), false));
        Assert.Equal(2, Checkpoint.Open(model).Tensors.Length);
        WeightVerdict sound = WeightTester.Test(model, deep: true);
        Assert.Equal((true, 3L), (sound.IsSound, sound.VerifiedFileCount));

        File.Delete(Path.Combine(model, "blobs", Convert.ToHexStringLower(SHA256.HashData(second))));

        MemLoadException refusal = Refusal(() => Checkpoint.Open(model));
        Assert.Equal("ML5019", refusal.Rule.Id);
        Assert.EndsWith("model-00002-of-00002.safetensors", refusal.Path, StringComparison.Ordinal);
    }

    [Fact]
    public void A_commit_without_a_snapshot_is_an_incomplete_download()
    {
        string model = Tiny();
        File.WriteAllText(Path.Combine(model, "refs", "main"), new string('0', 40));

        Assert.Equal("ML5019", Refusal(() => Checkpoint.Open(model)).Rule.Id);
    }

    // Changes a byte of the weights, which no header shows. The name of the blob is the hash from the publisher.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_corrupted_blob_is_found_by_its_name_without_a_network(bool isLarge)
    {
        string model = Model("org/tiny", Commit, ("model.safetensors", Weights, isLarge));
        WeightVerdict sound = WeightTester.Test(model, deep: true);
        Assert.Equal((true, 1L), (sound.IsSound, sound.VerifiedFileCount));
        string blob = Directory.GetFiles(Path.Combine(model, "blobs")).Single();
        File.WriteAllBytes(blob, [.. Weights[..^1], (byte)(Weights[^1] ^ 1)]);

        WeightVerdict verdict = WeightTester.Test(model, deep: true);

        Assert.Equal(("Unsound", "ML5020"), (verdict.Verdict, verdict.RuleId));
        Assert.Contains(Path.GetFileName(blob), verdict.Finding, StringComparison.Ordinal);
        Assert.True(WeightTester.Test(model).IsSound, "headers alone do not show it");
    }

    [Fact]
    public void The_list_of_a_commit_gives_lengths_and_hashes_of_plain_files()
    {
        string model = Path.Combine(_folder.Path, "models--org--plain");
        Directory.CreateDirectory(Path.Combine(model, "snapshots", Commit));
        Directory.CreateDirectory(Path.Combine(model, "trees"));
        File.WriteAllBytes(Path.Combine(model, "snapshots", Commit, "model.safetensors"), Weights);
        void List(long size, string hash)
        {
            string large = string.Create(
                CultureInfo.InvariantCulture,
                $"\"size\":130,\"blob_id\":\"{new string('b', 40)}\",\"lfs_sha256\":\"{hash}\",\"lfs_size\":{size},\"xet_hash\":null");
            string small = $"\"size\":2,\"blob_id\":\"{new string('a', 40)}\"";
            File.WriteAllText(Path.Combine(model, "trees", Commit + ".json"),
                $"{{\"format_version\":1,\"files\":{{\"config.json\":{{{small}}},\"model.safetensors\":{{{large}}}}}}}");
        }
        string hash = Convert.ToHexStringLower(SHA256.HashData(Weights));

        List(Weights.Length, hash);
        Assert.Equal((true, 1L), (WeightTester.Test(model, deep: true).IsSound, WeightTester.Test(model, deep: true).VerifiedFileCount));
        List(Weights.Length + 1, hash);
        Assert.Equal("ML5020", WeightTester.Test(model).RuleId);
        List(Weights.Length, new string('0', 64));
        Assert.Equal("ML5020", WeightTester.Test(model, deep: true).RuleId);
        Assert.True(WeightTester.Test(model).IsSound);
    }

    [Fact]
    public void A_blob_of_Ollama_is_compared_with_the_SHA_256_in_its_name()
    {
        Directory.CreateDirectory(_folder["blobs"]);
        byte[] gguf = Corpus.GgufCorpus.Sound;
        string blob = Path.Combine(_folder["blobs"], "sha256-" + Convert.ToHexStringLower(SHA256.HashData(gguf)));
        File.WriteAllBytes(blob, gguf);
        Assert.Equal((true, 1L), (WeightTester.Test(blob, deep: true).IsSound, WeightTester.Test(blob, deep: true).VerifiedFileCount));

        File.WriteAllBytes(blob, [.. gguf[..^1], (byte)(gguf[^1] ^ 1)]);

        Assert.Equal("ML5020", WeightTester.Test(blob, deep: true).RuleId);
    }

    // Only the folder of an environment variable is searched.
    [Theory]
    [InlineData("HF_HUB_CACHE", "")]
    [InlineData("HUGGINGFACE_HUB_CACHE", "")]
    [InlineData("HF_HOME", "hub")]
    [InlineData("XDG_CACHE_HOME", "huggingface/hub")]
    public void The_environment_names_the_cache(string variable, string below)
    {
        string[] all = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"];
        var before = all.ToDictionary(name => name, Environment.GetEnvironmentVariable);
        try
        {
            foreach (string name in all)
            {
                Environment.SetEnvironmentVariable(name, name == variable ? _folder.Path : null);
            }
            Assert.Equal(Path.GetFullPath(Path.Combine(_folder.Path, below)), HubCache.Root());
        }
        finally
        {
            foreach ((string name, string? value) in before)
            {
                Environment.SetEnvironmentVariable(name, value);
            }
        }
    }
}
