using static MemLoad.Tests.Checkpoints.CheckpointKit;

namespace MemLoad.Tests.Checkpoints;

public sealed class PerTensorFolderTests : IDisposable
{
    private const string Bare = "containers/single_tensor.pt";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Index(string tensor, string shard) => $$"""{"weight_map": {"{{tensor}}": "{{shard}}"} }""";

    private static readonly (string What, string Rule, Action<TemporaryFolder> Fill)[] UnsoundFolders =
    [
        ("nothing", "ML5012", _ => { }),
        ("other files only", "ML5012", folder =>
        {
            folder.Write("README.md", "weights to come");
            folder.Write("config.json", "{}");
        }),
        ("hidden and unfinished files only", "ML5012", folder =>
        {
            folder.CopyFixture(Bare, ".a.pt");
            folder.CopyFixture(Bare, ".a.pt.1234.tmp");
        }),
        ("files below only", "ML5012", folder =>
        {
            Directory.CreateDirectory(Path.Combine(folder.Path, "sub.pt"));
            folder.CopyFixture(Bare, Path.Combine("sub.pt", "a.pt"));
        }),
        ("a state dict among bare tensors", "ML5013", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.CopyFixture("containers/ordereddict.pth", "b.pth");
        }),
        ("a state dict of one tensor among bare tensors", "ML5013", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            using var other = new TemporaryFolder();
            var one = Checkpoint.Open(other.Write("one.safetensors", SafetensorsOfBytes(("x", 1))));
            CheckpointWriter.Write(one, Path.Combine(folder.Path, "b.pth"), CheckpointFormat.TorchZip);
        }),
        ("a training checkpoint among bare tensors", "ML5013", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.CopyFixture("containers/model_and_optimizer.pth", "b.pth");
        }),
        ("an empty state dict among bare tensors", "ML5013", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.CopyFixture("containers/empty_dict.pth", "b.pth");
        }),
        ("a safetensors file of two tensors", "ML5013", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.Write("b.safetensors", SafetensorsOfBytes(("x", 1), ("y", 1)));
        }),
        ("a safetensors file of no tensor", "ML5013", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.Write("b.safetensors", Safetensors("{}"));
        }),
        ("two checkpoints", "ML5013", folder =>
        {
            folder.CopyFixture("tiny/fp32.pth", "other_model.bin");
            folder.CopyFixture("tiny/fp32.safetensors", "model.safetensors");
        }),
        ("one name in two files", "ML5014", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.CopyFixture(Bare, "a.bin");
        }),
        ("the name of a file in another file", "ML5014", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.Write("b.safetensors", SafetensorsOfBytes(("a", 1)));
        }),
        ("a pickled module", "ML3004", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.CopyFixture("tiny/whole_module.pth", "b.pth");
        }),
        ("an empty file", "ML1003", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.Write("b.pt", "");
        }),
        ("a git-lfs pointer that is called a tensor", "ML1011", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.Write("b.pt", "version https://git-lfs.github.com/spec/v1\n");
        }),
        ("an index that is called a tensor and names itself", "ML1016", folder =>
        {
            folder.CopyFixture(Bare, "a.pt");
            folder.Write("b.bin", Index("x", "b.bin"));
        }),
        ("two indexes", "ML5011", folder =>
        {
            folder.Write("a.safetensors", SafetensorsOfBytes(("x", 1)));
            folder.Write("model.safetensors.index.json", Index("x", "a.safetensors"));
            folder.Write("model.safetensors.index.fp16.json", Index("x", "a.safetensors"));
        }),
        ("an index whose shard is missing, beside another checkpoint", "ML5007", folder =>
        {
            folder.Write("a.safetensors", SafetensorsOfBytes(("x", 1)));
            folder.Write("model.safetensors.index.json", Index("x", "b.safetensors"));
        }),
    ];

    public static TheoryData<string, string> Unsound
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach ((string what, string rule, _) in UnsoundFolders)
            {
                data.Add(what, rule);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Unsound))]
    public void An_unsound_folder_is_refused_by_the_rule_it_breaks(string what, string rule)
    {
        UnsoundFolders.Single(folder => folder.What == what).Fill(_folder);

        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(_folder.Path));

        Assert.Equal(rule, refusal.Rule.Id);
        Assert.StartsWith(_folder.Path, refusal.Path, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public void A_file_that_is_not_a_bare_tensor_is_named_with_its_content_and_the_other_files()
    {
        _folder.CopyFixture("tiny/fp32.pth", "other.bin");
        _folder.Write("model.safetensors", SafetensorsOfBytes(("x", 1), ("y", 1)));

        MemLoadException refusal = Refusal(_folder.Path);

        Assert.Contains(
            "'model.safetensors', 'other.bin' in the folder, 'model.safetensors' contains 2 tensors",
            refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_become_tensors_named_after_them_in_ordinal_order()
    {
        byte[] expected = Elements(Checkpoint.Open(Fixtures.PathOf(Bare)), "");
        _folder.CopyFixture(Bare, "b.weight.pt");
        _folder.CopyFixture(Bare, "b.10.weight.PTH");
        _folder.CopyFixture(Bare, "B.bin");
        _folder.Write("z.safetensors", SafetensorsOfBytes(("own.name", 3)));
        _folder.Write("zz.safetensors", SafetensorsOfBytes(("", 2)));
        _folder.Write("notes.txt", "not read");
        _folder.CopyFixture(Bare, ".hidden.pt");
        Directory.CreateDirectory(Path.Combine(_folder.Path, "c.pt"));

        var checkpoint = Checkpoint.Open(_folder.Path);

        Assert.Equal(CheckpointFormat.PerTensor, checkpoint.Format);
        Assert.Equal(_folder.Path, checkpoint.Path);
        Assert.Equal(["B", "b.10.weight", "b.weight", "own.name", "zz"], checkpoint.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(expected, Elements(checkpoint, "B"));
        Assert.Equal(expected, Elements(checkpoint, "b.weight"));
        Assert.Equal([0, 1, 2], Elements(checkpoint, "own.name"));
        Assert.Equal([0, 1], Elements(checkpoint, "zz"));
    }

    [Fact]
    public void No_file_stays_open()
    {
        for (int i = 0; i < 20; i++)
        {
            _folder.CopyFixture(Bare, $"t.{i}.pt");
        }

        var checkpoint = Checkpoint.Open(_folder.Path);

        Assert.Equal(20, checkpoint.Files.Length);
        if (OperatingSystem.IsLinux())
        {
            Assert.DoesNotContain(
                new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Select(link => link.LinkTarget),
                target => target?.StartsWith(_folder.Path, StringComparison.Ordinal) == true);
        }
    }

    [Theory]
    [InlineData("tiny/fp32.safetensors", "model.safetensors", CheckpointFormat.Safetensors)]
    [InlineData("tiny/fp32.pth", "pytorch_model.bin", CheckpointFormat.TorchZip)]
    [InlineData("tiny/legacy.pth", "weights.pt", CheckpointFormat.TorchLegacy)]
    public void A_lone_checkpoint_in_a_folder_is_opened(string fixture, string name, CheckpointFormat format)
    {
        string path = _folder.CopyFixture(fixture, name);
        _folder.Write("config.json", "{}");

        var checkpoint = Checkpoint.Open(_folder.Path);

        Assert.Equal((format, path), (checkpoint.Format, checkpoint.Path));
        Assert.NotEmpty(checkpoint.Tensors);
    }

    [Fact]
    public void A_lone_bare_tensor_is_a_folder_of_one()
    {
        _folder.CopyFixture(Bare, "w.pt");

        Assert.Equal(["w"], Checkpoint.Open(_folder.Path).Tensors.Select(tensor => tensor.Name));
    }

    [Fact]
    public void An_index_determines_how_a_folder_with_other_files_is_read()
    {
        _folder.Write("a.safetensors", SafetensorsOfBytes(("x", 1)));
        _folder.CopyFixture("tiny/fp32.pth", "consolidated.pth");
        _folder.Write(".model.index.json", "unfinished");
        string index = _folder.Write("model.safetensors.index.json", Index("x", "a.safetensors"));

        var checkpoint = Checkpoint.Open(_folder.Path);

        Assert.Equal((CheckpointFormat.Sharded, index), (checkpoint.Format, checkpoint.Path));
        Assert.Equal(["x"], checkpoint.Tensors.Select(tensor => tensor.Name));
    }
}
