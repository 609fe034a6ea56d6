using MemLoad.Tests.Cli;
using MemLoad.Tests.Corpus;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Manifests;

/// <summary>Weights compared with a manifest: in files by tests, and in memory by loads.</summary>
public sealed class ComparisonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, int> Models
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (string format in SmallModels.Formats)
            {
                for (int seed = 1; seed <= 4; seed++)
                {
                    data.Add(format, seed);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_flipped_bit_is_reported_for_exactly_the_tensors_that_contain_it(string format, int seed)
    {
        string path = SmallModels.Write(SmallModels.Random(seed), _folder, format);
        var checkpoint = Checkpoint.Open(path);
        WeightManifest manifest = ManifestOf(checkpoint);
        bool archived = format is "pth" or "folder";
        var random = new Random(seed);
        int[] storages = [.. Enumerable.Range(0, checkpoint.Storages.Length).Where(i => checkpoint.Storages[i].Length > 0)];
        for (int i = 0; i < 60; i++)
        {
            int storage = storages[random.Next(storages.Length)];
            Extent extent = checkpoint.Storages[storage];
            long at = random.NextInt64(extent.Length);
            int bit = random.Next(8);
            string[] over = SmallModels.Over(checkpoint, storage, at);
            Flip(checkpoint.Files[extent.File].Path, extent.Offset + at, bit);

            WeightVerdict verdict = WeightTester.Test(path, manifest: manifest);
            WeightVerdict deep = WeightTester.Test(path, deep: true, manifest: manifest);

            Assert.Equal((over.Length == 0, (long)over.Length), (verdict.IsSound, verdict.DifferingTensorCount));
            Assert.Equal(manifest.WeightsDigest == verdict.WeightsDigest, verdict.IsSound);
            if (over.Length > 0)
            {
                Assert.Equal("ML6111", verdict.RuleId);
                Assert.EndsWith(
                    $"the manifest: {string.Join(", ", over.Select(Printable.Quote))}", verdict.Finding, StringComparison.Ordinal);
                Assert.InRange(verdict.Offset!.Value, extent.Offset, extent.Offset + at);
            }
            // The checksum of an archive also covers bytes that no tensor uses.
            Assert.Equal(over.Length > 0 ? "ML6111" : archived ? "ML2016" : null, deep.RuleId);
            Assert.Equal((verdict.WeightsDigest, verdict.DifferingTensorCount), (deep.WeightsDigest, deep.DifferingTensorCount));
            Assert.Equal(archived ? "ML2016" : null, WeightTester.Test(path, deep: true).RuleId);
            Flip(checkpoint.Files[extent.File].Path, extent.Offset + at, bit);
        }
        WeightVerdict whole = WeightTester.Test(path, deep: true, manifest: manifest);
        Assert.True(whole.IsSound, whole.Finding);
        Assert.Equal(archived, whole.VerifiedRecordCount > 0);
    }

    [Fact]
    public void Checksums_are_verified_whether_a_tensor_is_the_record_or_a_part_of_it_or_none_is()
    {
        WeightVerdict sound = WeightTester.Test(SmallModels.Write(SmallModels.Random(3), _folder, "pth"), deep: true);
        using var archive = System.IO.Compression.ZipFile.OpenRead(sound.Path);

        // Records of no bytes have no checksum to verify.
        Assert.Equal(archive.Entries.Count(entry => entry.Crc32 != 0), sound.VerifiedRecordCount);
        foreach (string record in (string[])["archive/data/0", "archive/data.pkl", "archive/version"])
        {
            string path = _folder.Write("x.pth", ZipForge.Torch(zip => zip[record["archive/".Length..]].Crc = 12345));
            WeightVerdict verdict = WeightTester.Test(path, deep: true);
            Assert.Equal("ML2016", verdict.RuleId);
            Assert.Contains(record, verdict.Finding, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Other_names_dtypes_and_shapes_are_found_from_headers()
    {
        MemorySource Common(string name) => new MemorySource().Add("same", DType.Float32, 4).Add(name, DType.Float32, 4);
        WeightManifest manifest = ManifestOf(Common("gone").Add("cast", DType.Float32, 4).Add("turned", DType.Float32, 2, 3));
        MemorySource source = Common("new").Add("cast", DType.Float16, 4).Add("turned", DType.Float32, 3, 2);
        string path = SmallModels.Write(source, _folder, "safetensors");

        WeightVerdict verdict = WeightTester.Test(path, deep: true, manifest: manifest);

        Assert.Equal(("ML6110", manifest.WeightsDigest, null), (verdict.RuleId, verdict.ManifestDigest, verdict.WeightsDigest));
        Assert.Equal(
            "1 tensor not there: 'gone'; 1 tensor not in the manifest: 'new'; "
                + "2 tensors of another dtype or shape: 'turned' is float32 (3, 2) and not float32 (2, 3), 'cast' is float16 (4) and not "
                + "float32 (4)",
            verdict.Finding);
    }

    [Fact]
    public void Of_many_differing_tensors_twenty_are_named_and_the_rest_counted()
    {
        var source = new MemorySource();
        for (int i = 0; i < 30; i++)
        {
            source.Add($"t{i:d2}", DType.UInt8, 4);
        }
        string path = SmallModels.Write(source, _folder, "safetensors");
        var zeros = new MemorySource();
        foreach (TensorEntry tensor in source.Tensors)
        {
            zeros.AddView(tensor.Name, DType.UInt8, zeros.AddStorage(new byte[4]), 0, [4], [1]);
        }

        WeightVerdict verdict = WeightTester.Test(path, manifest: ManifestOf(zeros));

        Assert.Equal(30, verdict.DifferingTensorCount);
        Assert.EndsWith("'t18', 't19' and 10 more", verdict.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_ends_with_1_for_a_copy_that_differs_and_for_an_invalid_manifest()
    {
        string model = _folder.CopyFixture("tiny/fp32.pth", "model.pth");
        string copy = _folder["copy.safetensors"];
        CheckpointWriter.Write(Checkpoint.Open(model), copy, CheckpointFormat.Safetensors);
        string manifest = ManifestWriter.Write(Checkpoint.Open(model), _folder["model.manifest.json"]).Manifest;

        Assert.Equal(0, CliRun.Of("test", "--path", model, "--path", copy, "--manifest", manifest).ExitCode);
        Flip(copy, new FileInfo(copy).Length - 1, 0);
        CliRun run = CliRun.Of("test", "--path", model, "--path", copy, "--manifest", manifest, "--deep", "--format", "csv");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(",Unsound,False,ML6111,", run.Output, StringComparison.Ordinal);
        Assert.Contains(",Sound,True,", run.Output, StringComparison.Ordinal);
        CliRun wrong = CliRun.Of("test", "--path", model, "--manifest", model);
        Assert.Equal((1, ""), (wrong.ExitCode, wrong.Output));
        Assert.Contains("ML6102", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_narrowed_load_compares_what_it_loads_with_a_manifest_of_the_whole_or_of_the_part()
    {
        string model = Fixtures.PathOf("containers/model_and_optimizer.pth");
        string whole = ManifestWriter.Write(Checkpoint.Open(model), _folder["whole.json"]).Manifest;
        string part = ManifestWriter.Write(Checkpoint.Open(model).Select("model_state_dict"), _folder["part.json"]).Manifest;
        var request = new LoadRequest { Path = model, Strategy = Strategy.Stream, Device = "cpu" };

        Load(request with { Manifest = whole });
        Load(request with { Manifest = whole, Key = "model_state_dict" });
        Load(request with { Manifest = part, Key = "model_state_dict" });
        Load(request with { Manifest = part, Key = "model_state_dict", Exclude = ["*bias"] });
        Load(request with { Manifest = whole, Rank = 1, RankCount = 2 });
        Assert.Equal("ML6110", Assert.Throws<MemLoadException>(() => Load(request with { Manifest = part })).Rule.Id);

        static void Load(LoadRequest request)
        {
            using LoadedModel model = WeightLoader.Load(request);
            Assert.NotEmpty(model.Weights.Tensors);
        }
    }

    [Fact]
    public void A_selected_name_that_is_missing_is_reported()
    {
        var full = new MemorySource().Add("a.weight", DType.UInt8, 2).Add("a.bias", DType.UInt8, 2).Add("b.weight", DType.UInt8, 2);
        string manifest = ManifestWriter.Write(Checkpoint.Open(SmallModels.Write(full, _folder, "pth")), _folder["full.json"]).Manifest;
        string path = SmallModels.Write(new Subset(full, tensor => tensor.Name != "a.bias"), _folder, "safetensors");
        var request = new LoadRequest { Path = path, Strategy = Strategy.Stream, Device = "cpu", Manifest = manifest };

        WeightLoader.Load(request with { Include = ["*.weight"] }).Dispose();
        WeightLoader.Load(request with { Key = "b" }).Dispose();
        Assert.Contains(
            "not there: 'a.bias'", Assert.Throws<MemLoadException>(() => WeightLoader.Load(request)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "not there: 'bias'",
            Assert.Throws<MemLoadException>(() => WeightLoader.Load(request with { Key = "a" })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_cast_load_fits_a_manifest_of_cast_weights_only()
    {
        string model = _folder.CopyFixture("tiny/fp32.pth", "model.pth");
        string plain = ManifestWriter.Write(Checkpoint.Open(model), _folder["plain.json"]).Manifest;
        var request = new LoadRequest { Path = model, Strategy = Strategy.Stream, Device = "cpu", DType = DType.BFloat16 };
        using (LoadedModel cast = WeightLoader.Load(request))
        {
            CheckpointWriter.Write(cast.Weights, _folder["cast.pth"], CheckpointFormat.TorchZip);
        }
        string narrow = ManifestWriter.Write(Checkpoint.Open(_folder["cast.pth"]), _folder["cast.json"]).Manifest;

        WeightLoader.Load(request with { Manifest = narrow }).Dispose();
        WeightLoader.Load(request with { Manifest = plain, DType = DType.Float32 }).Dispose();
        var refusal = Assert.Throws<MemLoadException>(() => WeightLoader.Load(request with { Manifest = plain }));
        Assert.Equal("ML6110", refusal.Rule.Id);
        Assert.Contains("(cast to bfloat16)", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    public void Weights_that_differ_in_memory_are_named_and_not_returned(string device)
    {
        string model = _folder.CopyFixture("tiny/fp32.pth", "model.pth");
        var checkpoint = Checkpoint.Open(model);
        string manifest = ManifestWriter.Write(checkpoint, _folder["model.json"]).Manifest;
        TensorEntry tensor = checkpoint.Tensors[5];
        Extent storage = checkpoint.Storages[tensor.Storage];
        Flip(model, storage.Offset + tensor.ByteOffset, 3);
        foreach (Strategy strategy in Strategies.All)
        {
            var request = new LoadRequest { Path = model, Strategy = strategy, Device = device, Manifest = manifest };

            var refusal = Assert.Throws<MemLoadException>(() => WeightLoader.Load(request));
            LoadMeasurement row = MeasuredLoad.Run(new MeasureRequest(request));

            Assert.Equal(("ML6111", storage.Offset + tensor.ByteOffset), (refusal.Rule.Id, refusal.Offset));
            Assert.Contains($"differs from the manifest: '{tensor.Name}'", refusal.Message, StringComparison.Ordinal);
            Assert.Equal((nameof(LoadOutcome.Failed), WeightManifest.Read(manifest).WeightsDigest), (row.Outcome, row.ManifestDigest));
            Assert.StartsWith("ML6111: 1 of ", row.Message, StringComparison.Ordinal);
            Assert.NotEqual(row.ManifestDigest, row.WeightsDigest);
            Assert.NotNull(row.PeakHostBytes);
        }
        CliRun run = CliRun.Of(
            "invoke",
            "--path",
            model,
            "--heads",
            "3",
            "--token-ids",
            "1,2",
            "--device",
            device,
            "--strategy",
            "Stream",
            "--manifest",
            manifest);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains("ML6111", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_carries_the_manifests_digest()
    {
        string model = _folder.CopyFixture("tiny/fp32.pth", "model.pth");
        string manifest = ManifestWriter.Write(Checkpoint.Open(model), _folder["model.json"]).Manifest;

        string[] measure = ["measure", "--path", model, "--strategy", "Stream", "--device", "cpu", "--in-process"];
        CliRun run = CliRun.Of([.. measure, "--manifest", manifest]);
        CliRun json = CliRun.Of([.. measure, "--manifest", manifest, "--format", "json"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("as the manifest states", run.Output, StringComparison.Ordinal);
        Assert.Contains($"\"ManifestDigest\": \"{WeightManifest.Read(manifest).WeightsDigest}\"", json.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("as the manifest states", CliRun.Of(measure).Output, StringComparison.Ordinal);
    }

    private static void Flip(string path, long at, int bit)
    {
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = at;
        int value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ (1 << bit)));
    }

    private static WeightManifest ManifestOf(IWeightSource source) => WeightManifest.Of(source, WeightsDigest.OfTensors(source));
}
