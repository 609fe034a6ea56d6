using static MemLoad.Tests.Checkpoints.CheckpointKit;

namespace MemLoad.Tests.Checkpoints;

/// <summary>
/// Files and folders of users, from public reports. A file has another file with the content that PyTorch or the safetensors library reads
/// from it (<c>FILE.expected.json</c>). A file that opens has this content, byte for byte. A refused file is refused by a rule, with a
/// remedy for its case.
/// </summary>
public sealed class CaseTests
{
    private static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "cases");

    // Files that the reference readers open and MemLoad does not, with the reason in the remedy.
    private static readonly Dictionary<string, string> RefusedFiles = new(StringComparer.Ordinal)
    {
        ["14-safetensors-headers/newline-in-name.safetensors"] = "ML4019",
        ["18-quantized/dynamic-linear.pth"] = "ML3005",
        ["18-quantized/qtensor.pth"] = "ML3005",
        ["24-subclass-tensors/bare-typed-storage.pth"] = "ML3005",
        ["24-subclass-tensors/bare-untyped-storage.pth"] = "ML3005",
        ["38-large-metadata/expanded.pth"] = "ML6004",
        ["38-large-metadata/nested300.pth"] = "ML3007",
        ["39-names/dotted-and-nested.pth"] = "ML6001",
        ["39-names/empty-key-collision.pth"] = "ML6001",
        ["39-names/escape.pth"] = "ML6013",
        ["39-names/int-and-str-key.pth"] = "ML6001",
        ["39-names/newline.pth"] = "ML6013",
        ["40-wrong-extension/safetensors-as.ckpt"] = "ML1008",
        ["40-wrong-extension/safetensors-as.pt"] = "ML1008",
        ["40-wrong-extension/safetensors-as.pth"] = "ML1008",
    };

    /// <summary>Every file with an expectation that is not refused.</summary>
    public static TheoryData<string> Readable =>
    [
        .. Directory.EnumerateFiles(Root, "*.expected.json", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Root, file[..^".expected.json".Length]).Replace('\\', '/'))
            .Where(name => !RefusedFiles.ContainsKey(name)).Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Readable))]
    public void Files_that_the_reference_reader_reads_are_read_byte_for_byte(string name)
    {
        string path = Path.Combine(Root, name);

        Assert.Equal(StatedTensors(path + ".expected.json"), ReadTensors(Checkpoint.Open(path)));
    }

    public static TheoryData<string, string> Refused
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach ((string name, string rule) in RefusedFiles)
            {
                data.Add(name, rule);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void Files_that_MemLoad_does_not_read_are_refused_by_their_rule(string name, string rule) =>
        Assert.Equal(rule, Refusal(Path.Combine(Root, name)).Rule.Id);

    [Theory]
    [InlineData("extra-field", "tensors have fields that the format does not define: 'name'")]
    [InlineData("leading-space", "begins with white space")]
    [InlineData("metadata-null", "__metadata__ is null")]
    [InlineData("pretty-printed", "ends in a line break")]
    public void A_header_of_another_writer_is_a_finding_of_the_test(string name, string finding)
    {
        WeightVerdict verdict = WeightTester.Test(Path.Combine(Root, "14-safetensors-headers", name + ".safetensors"));

        Assert.True(verdict.IsSound);
        Assert.Contains(finding, verdict.Warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("float-offsets", "ML4009")]
    [InlineData("metadata-int", "ML4018")]
    [InlineData("only-metadata-466", "ML4005")]
    public void A_header_that_the_reference_reader_refuses_is_refused(string name, string rule) =>
        Assert.Equal(rule, Refusal(Path.Combine(Root, "14-safetensors-headers", name + ".safetensors")).Rule.Id);

    // The file has each of the three names.
    [Theory]
    [InlineData("404", "no weights: '404: Not Found'")]
    [InlineData("entry-not-found", "no weights: 'Entry not found'")]
    [InlineData("gated", "no weights: 'Access to model ")]
    [InlineData("html", "a web page: '<!")]
    [InlineData("json-error", "JSON: '{")]
    [InlineData("unauthorized", "no weights: 'Invalid")]
    [InlineData("xml", "XML: '<?xml")]
    public void Text_instead_of_weights_is_shown(string name, string says)
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Root, "25-not-the-file"), name + ".*"))
        {
            MemLoadException refusal = Refusal(file);

            Assert.Equal("ML1016", refusal.Rule.Id);
            Assert.Contains(says, refusal.Finding, StringComparison.Ordinal);
            Assert.Equal("Unsound", WeightTester.Test(file).Verdict);
        }
    }

    /// <summary>Other files that PyTorch refuses by default, or that have no reference, with the number of tensors or the rule.</summary>
    public static TheoryData<string, string> OtherFiles =>
        new()
        {
            { "06-numpy-scalars/bool_.pth", "3" },
            { "06-numpy-scalars/bytes_.pth", "3" },
            { "06-numpy-scalars/complex64.pth", "3" },
            { "06-numpy-scalars/complex128.pth", "3" },
            { "06-numpy-scalars/float16.pth", "3" },
            { "06-numpy-scalars/int8.pth", "3" },
            { "06-numpy-scalars/int16.pth", "3" },
            { "06-numpy-scalars/uint32.pth", "3" },
            { "06-numpy-scalars/uint64.pth", "3" },
            { "06-numpy-scalars/longdouble.pth", "ML3006" },
            { "06-numpy-scalars/datetime.pth", "ML3011" },
            { "50-plain-python-values/defaultdict.pth", "3" },
            { "50-plain-python-values/defaultdict_od.pth", "3" },
            { "50-plain-python-values/partial.pth", "ML3003" },
            { "22-mps-1.12-numpy/mps.pth", "ML3005" },
            { "29-older-formats/legacy-protocol0.pth", "ML1004" },
            { "29-older-formats/legacy-protocol1.pth", "ML1004" },
            { "42-lone-file-folders/lightning-fsdp.ckpt/__0_0.distcp", "ML5017" },
        };

    [Theory]
    [MemberData(nameof(OtherFiles))]
    public void Other_files_open_or_are_refused_by_their_rule(string name, string expected)
    {
        string path = Path.Combine(Root, name);

        Assert.Equal(
            expected,
            expected.StartsWith("ML", StringComparison.Ordinal)
                ? Refusal(path).Rule.Id
                : FormattableString.Invariant($"{Checkpoint.Open(path).Tensors.Length}"));
    }

    [Theory]
    [InlineData("uint64")]
    [InlineData("uint32")]
    [InlineData("int64")]
    [InlineData("int8")]
    public void Whole_numbers_of_numpy_are_whole_numbers(string type) =>
        Assert.IsType<long>(Checkpoint.Open(Path.Combine(Root, $"06-numpy-scalars/{type}.pth")).Metadata["best"]);

    /// <summary>Files with an entry that is refused, and the other entries, which open without it.</summary>
    public static TheoryData<string, string, string, int> Partly => new()
    {
        { "18-quantized/qtensor.pth", "ML3005", "conv1.weight", 3 },
        { "18-quantized/dynamic-linear.pth", "ML3005", "0._packed_params._packed_params.0", 3 },
        { "19-sparse/coo.pth", "ML3005", "adj", 1 },
        { "24-subclass-tensors/meta.pth", "ML3005", "w", 1 },
        { "24-subclass-tensors/nested.pth", "ML3005", "w", 0 },
        { "24-subclass-tensors/bare-typed-storage.pth", "ML3005", "s", 1 },
        { "24-subclass-tensors/bare-untyped-storage.pth", "ML3005", "s", 1 },
        { "24-subclass-tensors/dtensor.pth", "ML3005", "model.w", 0 },
        { "24-subclass-tensors/torchao-subclass.pth", "ML3005", "w", 0 },
        { "22-mps-1.12-numpy/mps.pth", "ML3005", "conv.weight", -1 },
        { "39-names/dotted-and-nested.pth", "ML6001", "a.b", 0 },
        { "39-names/int-and-str-key.pth", "ML6001", "1", 0 },
        { "39-names/escape.pth", "ML6013", "?[31mred", 0 },
        { "39-names/newline.pth", "ML6013", "a?b", 0 },
        { "14-safetensors-headers/newline-in-name.safetensors", "ML4019", "a?b", 0 },
    };

    [Theory]
    [MemberData(nameof(Partly))]
    public void An_entry_that_is_refused_is_named_and_can_be_left_out(string name, string rule, string pattern, int others)
    {
        string path = Path.Combine(Root, name);
        MemLoadException refusal = Refusal(path);
        Assert.Equal(rule, refusal.Rule.Id);
        Assert.Contains(pattern, refusal.Remedy, StringComparison.Ordinal);
        Assert.Equal(
            rule, Assert.Throws<MemLoadException>(() => Checkpoint.OpenSelected(path, null, [pattern], null, false, default)).Rule.Id);
        if (others < 0)
        {
            return; // every tensor is of the refused kind
        }
        if (others == 0)
        {
            Assert.Equal(
                "ML6006",
                Assert.Throws<MemLoadException>(() => Checkpoint.OpenSelected(path, null, null, [pattern], false, default)).Rule.Id);
            return;
        }

        var rest = Checkpoint.OpenSelected(path, null, null, [pattern], false, default);

        Assert.Equal(others, rest.Tensors.Length);
        if (File.Exists(path + ".expected.json"))
        {
            Assert.Equal(
                StatedTensors(path + ".expected.json").Where(line => !line.StartsWith(pattern + "|", StringComparison.Ordinal)),
                ReadTensors(rest));
        }
        using var loaded = WeightLoader.Load(
            new LoadRequest
            {
                Path = path,
                Strategy = Strategy.Stream,
                Device = "cpu",
                Exclude = [pattern],
            });
        Assert.Equal(WeightsDigest.Of(rest), WeightsDigest.Of(loaded.Weights));
    }

    // The elements are equal to those that TorchSharp.PyBridge wrote for the same module.
    [Fact]
    public void A_module_that_TorchSharp_saved_is_read()
    {
        string path = Path.Combine(Root, "33-dotnet", "torchsharp.dat");

        var checkpoint = Checkpoint.Open(path);

        Assert.Equal(CheckpointFormat.TorchSharp, checkpoint.Format);
        Assert.Equal(StatedTensors(Path.Combine(Root, "33-dotnet", "pybridge.pth.expected.json")), ReadTensors(checkpoint));
        Assert.True(WeightTester.Test(path, deep: true).IsSound);
        byte[] bytes = File.ReadAllBytes(path);
        using var folder = new TemporaryFolder();
        Assert.Equal("ML1005", Refusal(folder.Write("cut.dat", bytes[..^1])).Rule.Id);
        Assert.Equal("ML2018", Refusal(folder.Write("more.dat", [.. bytes, 0])).Rule.Id);
        Assert.Equal("ML2018", Refusal(folder.Write("fewer.dat", [8, .. bytes[1..]])).Rule.Id);
    }

    // PyTorch finds the end record before the appended bytes.
    [Theory]
    [InlineData("\n", "white space follows the archive (in bytes: 1)")]
    [InlineData("\r\n\r\n\t ", "white space follows the archive (in bytes: 6)")]
    public void White_space_after_an_archive_is_a_finding(string text, string finding)
    {
        using var folder = new TemporaryFolder();
        byte[] archive = File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.pth"));
        string path = folder.Write("x.pth", [.. archive, .. System.Text.Encoding.UTF8.GetBytes(text)]);

        Assert.Equal(ReadTensors(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"))), ReadTensors(Checkpoint.Open(path)));
        WeightVerdict verdict = WeightTester.Test(path, deep: true);
        Assert.True(verdict.IsSound, verdict.Finding);
        Assert.Contains(finding, verdict.Warning, StringComparison.Ordinal);
        using var loaded = WeightLoader.Load(new LoadRequest { Path = path, Strategy = Strategy.Mmap, Device = "cpu" });
        Assert.Equal(WeightsDigest.Of(Checkpoint.Open(path)), WeightsDigest.Of(loaded.Weights));
    }

    [Fact]
    public void Other_bytes_after_an_archive_are_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] archive = File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.pth"));
        byte[][] tails =
        [
            new byte[100],
            [.. "PK\x05\x06"u8],
            [.. "xPKx"u8],
            [0xff],
            [.. "\e[2J"u8],
            new string('a', 1025).Select(c => (byte)c).ToArray(),
            archive,
        ];
        foreach (byte[] tail in tails)
        {
            MemLoadException refusal = Refusal(folder.Write("x.pth", [.. archive, .. tail]));
            Assert.StartsWith("ML20", refusal.Rule.Id, StringComparison.Ordinal);
        }
        MemLoadException line = Refusal(folder.Write("x.pth", [.. archive, .. "3b1c  model.pth\n"u8]));
        Assert.Contains("16 bytes, '3b1c  model.pth", line.Finding, StringComparison.Ordinal);
        Assert.Contains($"its first {archive.Length} bytes", line.Remedy, StringComparison.Ordinal);
    }

    /// <summary>Folders that are complete, and the file or files whose tensors they have.</summary>
    public static TheoryData<string, string[], string> Folders =>
        new()
        {
            {
                "10-hf-trainer-folder/checkpoint-500",
                ["model.safetensors"],
                "'optimizer.pt', 'rng_state.pth', 'scheduler.pt', 'training_args.bin' (optimizer state, random state, scheduler state, "
                    + "training arguments)"
            },
            {
                "10-hf-trainer-folder/checkpoint-sharded",
                ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
                "'training_args.bin' (training arguments)"
            },
            { "11-hf-cache-folder/models--org--tiny", ["../gpt2-clone/model.safetensors"], "left out of the folder: 'pytorch_model.bin'" },
            { "11-hf-cache-folder/models--org--one", ["../gpt2-clone/model.safetensors"], "" },
            { "11-hf-cache-folder/gpt2-clone", ["model.safetensors"], "left out of the folder: 'pytorch_model.bin'" },
            {
                "13-stale-index/ltx-two-splits",
                [.. Enumerable.Range(1, 4).Select(i => $"diffusion_pytorch_model-0000{i}-of-00004.safetensors")],
                "-of-00008.safetensors' and 3 more"
            },
            {
                "13-stale-index/moved-tensor",
                ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
                "in another shard than the index states"
            },
            {
                "13-stale-index/no-index",
                ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
                "no index: its 2 shards were read by their names"
            },
            {
                "13-stale-index/two-formats",
                ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
                "left out of the folder: 'pytorch_model.bin.index.json'"
            },
            { "35-llama-consolidated/Llama-3-8B/original", ["consolidated.00.pth"], "" },
            { "42-lone-file-folders/ckpt-only", ["last.ckpt"], "" },
            { "42-lone-file-folders/flux-sft", ["ae.sft"], "" },
            { "42-lone-file-folders/pth-tar", ["model_best.pth.tar"], "" },
            { "42-lone-file-folders/deepspeed/global_step500", ["mp_rank_00_model_states.pt"], "" },
        };

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_complete_folder_opens_and_lists_the_files_that_are_not_read(string name, string[] files, string finding)
    {
        string folder = Path.Combine(Root, Fixtures.Native(name));

        var checkpoint = Checkpoint.Open(folder);

        Assert.Equal(
            files.SelectMany(file => StatedTensors(Path.Combine(folder, file + ".expected.json"))).Order(StringComparer.Ordinal),
            ReadTensors(checkpoint));
        Assert.Contains(finding, string.Join("; ", checkpoint.Findings), StringComparison.Ordinal);
        Assert.Equal((true, finding.Length == 0), (WeightTester.Test(folder).IsSound, WeightTester.Test(folder).Warning is null));
    }

    /// <summary>Folders that are refused: the rule, a part of the finding, and the path in the remedy, relative to the folder.</summary>
    public static TheoryData<string, string, string, string?> UnfitFolders =>
        new()
        {
            { "10-hf-trainer-folder", "ML5012", "no file of a model", "checkpoint-500" },
            { "12-diffusers-variants/transformer", "ML5011", "fp16.index.json", "diffusion_pytorch_model.safetensors.index.json" },
            {
                "12-diffusers-variants/unet-two-variants",
                "ML5013",
                "'diffusion_pytorch_model.fp16.safetensors', 'diffusion_pytorch_model.safetensors'",
                "diffusion_pytorch_model.safetensors"
            },
            { "13-stale-index/coser-legacy-index", "ML5007", "'model-00001-of-00030.safetensors'", null },
            { "13-stale-index/qwen-brainwaves-mtp-missing", "ML5009", "'mtp.fc.weight'", null },
            { "13-stale-index/subfolder", "ML5006", "'shards/a.safetensors'", null },
            { "16-distributed-checkpoint/step-1000", "ML5109", "'__0_0.distcp' is not in the folder", null },
            { "35-llama-consolidated/Llama-2-13b", "ML5016", "2 files 'consolidated.*.pth'", "consolidated.00.pth" },
            { "35-llama-consolidated/Llama-3-8B", "ML5012", "no file of a model", "original" },
            { "35-llama-consolidated/megatron", "ML5016", "Megatron", "iter_0001000/mp_rank_00/model_optim_rng.pt" },
            { "35-llama-consolidated/megatron/iter_0001000", "ML5016", "Megatron", "mp_rank_00/model_optim_rng.pt" },
            { "42-lone-file-folders/deepspeed", "ML5016", "DeepSpeed", "global_step500/mp_rank_00_model_states.pt" },
            { "42-lone-file-folders/gguf-and-mmproj", "ML5013", "'mmproj.safetensors', 'model.Q4_K_M.gguf'", "model.Q4_K_M.gguf" },
            { "42-lone-file-folders/git-clone-no-lfs", "ML1011", "git-lfs", null },
            { "42-lone-file-folders/lora-beside-ckpt", "ML5013", "'lora.safetensors', 'model.ckpt'", "model.ckpt" },
            {
                "42-lone-file-folders/one-of-four",
                "ML5015",
                "3 of 4 parts of the checkpoint are missing: 'model-00002-of-00004.safetensors'",
                "model-00001-of-00004.safetensors"
            },
            { "42-lone-file-folders/one-of-four-bin", "ML5015", "'pytorch_model-00004-of-00004.bin'", "pytorch_model-00001-of-00004.bin" },
            { "42-lone-file-folders/rng-only", "ML5012", "'rng_state.pth' (random state)", null },
        };

    [Theory]
    [MemberData(nameof(UnfitFolders))]
    public void A_folder_that_is_not_a_complete_checkpoint_is_refused_with_a_path_to_use(
        string name, string rule, string finding, string? path)
    {
        string folder = Path.Combine(Root, Fixtures.Native(name));

        MemLoadException refusal = RefusalOfFolder(folder);

        Assert.Equal(rule, refusal.Rule.Id);
        Assert.Contains(finding, refusal.Finding, StringComparison.Ordinal);
        if (path is not null)
        {
            Assert.Contains(Path.Combine(folder, Fixtures.Native(path)), refusal.Remedy, StringComparison.Ordinal);
        }
        Assert.False(WeightTester.Test(folder).IsSound);
    }

    [Fact]
    public void A_distributed_checkpoint_of_Lightning_opens_with_its_other_files()
    {
        var checkpoint = Checkpoint.Open(Path.Combine(Root, "42-lone-file-folders/lightning-fsdp.ckpt"));
        Assert.Equal(CheckpointFormat.Distributed, checkpoint.Format);
        Assert.NotEmpty(checkpoint.Tensors);
    }

    private static MemLoadException RefusalOfFolder(string folder)
    {
        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(folder));
        Assert.DoesNotContain(refusal.Message, char.IsControl);
        return refusal;
    }
}
