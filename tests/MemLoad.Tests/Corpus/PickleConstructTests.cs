using System.Security.Cryptography;
using System.Text.Json;
using MemLoad.Fuzz;
using MemLoad.Tests.Checkpoints;
using MemLoad.Tests.Peers;

namespace MemLoad.Tests.Corpus;

/// <summary>MemLoad reads the same content of a pickle as PyTorch, or refuses it by name.</summary>
public sealed class PickleConstructTests : IDisposable
{
    private const string Script = """
        import json, sys, warnings, torch
        warnings.filterwarnings("ignore")
        def flatten(name, value, into):
            if isinstance(value, torch.Tensor):
                into[name] = value
            elif isinstance(value, dict):
                for key, item in value.items():
                    flatten(f"{name}.{key}" if name else str(key), item, into)
            elif isinstance(value, (list, tuple)):
                for i, item in enumerate(value):
                    flatten(f"{name}.{i}" if name else str(i), item, into)
        def read(path):
            tensors = {}
            try:
                flatten("", torch.load(path, weights_only=True, map_location="cpu"), tensors)
            except Exception as e:
                return None
            return {name: bytes(t.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8).tolist()).hex() for name, t in tensors.items()}
        print(json.dumps({"read": [read(path) for path in sys.argv[1:]], "names": sorted({n for c in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer) for n in dir(c) if n[:2] != "__"})}))
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Names => [.. PickleConstructs.All.Select(construct => construct.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_construct_is_read_as_PyTorch_reads_it_or_refused_by_its_rule(string name)
    {
        PickleConstruct construct = PickleConstructs.All.Single(construct => construct.Name == name);
        string path = _folder.Write("x.pth", construct.File);

        if (construct.Rule is string rule)
        {
            Assert.Equal(rule, CheckpointKit.Refusal(path).Rule.Id);
            return;
        }
        var checkpoint = Checkpoint.Open(path);
        Assert.Equal(
            Said(construct.Reads!.Value),
            Said(checkpoint.Tensors.Select(tensor => (tensor.Name, CheckpointKit.Elements(checkpoint, tensor.Name)))));
    }

    [Fact]
    public void No_file_that_PyTorch_reads_otherwise_is_sound_by_the_manifest_of_an_honest_one()
    {
        string honest = _folder.Write("honest.pth", ZipForge.Torch(pickle: PickleForge.Whole(PickleForge.StateDict(name: "w"))));
        var manifest = WeightManifest.Of(Checkpoint.Open(honest), [Convert.ToHexStringLower(SHA256.HashData(PickleConstructs.First))]);
        Assert.True(WeightTester.Test(honest, deep: true, manifest).IsSound);
        string same = Said([("w", PickleConstructs.First)]);

        foreach (PickleConstruct construct in PickleConstructs.All)
        {
            WeightVerdict verdict = WeightTester.Test(_folder.Write("x.pth", construct.File), deep: true, manifest);
            bool readsTheSame = construct.Reads is { } reads && Said(reads) == same;
            Assert.True(!verdict.IsSound || (readsTheSame && construct.Rule is null), construct.Name);
        }
    }

    [NeedsFact(typeof(PythonPeer), DisplayName = "PyTorch reads each construct as the table says")]
    public void PyTorch_reads_each_construct_as_the_table_says()
    {
        string[] paths = [.. PickleConstructs.All.Select((construct, i) => _folder.Write($"{i}.pth", construct.File))];

        JsonElement answer = PythonPeer.Run(Script, paths);

        Assert.Multiple([
            .. PickleConstructs
                .All.Zip(answer.GetProperty("read").EnumerateArray())
                .Select(pair =>
                    (Action)(
                        () =>
                        {
                            string theirs =
                                pair.Second.ValueKind == JsonValueKind.Null
                                    ? "refuses"
                                    : Said(
                                        pair.Second.EnumerateObject()
                                            .Select(tensor => (tensor.Name, Convert.FromHexString(tensor.Value.GetString()!))));
                            Assert.Equal(
                                $"{pair.First.Name}: {(pair.First.Reads is { } reads ? Said(reads) : "refuses")}",
                                $"{pair.First.Name}: {theirs}");
                        })),
        ]);
        Assert.All(answer.GetProperty("names").EnumerateArray(), name =>
            Assert.True(TensorAttributes.Names.Contains(name.GetString()!), name.GetString()));
    }

    [Theory]
    [InlineData(".")] // of a file with the name ..m
    [InlineData("..")]
    [InlineData("model 12:30:05")]
    [InlineData("\U0001F469\u200D\U0001F4BB")]
    [InlineData("a\nb")]
    public void An_archive_may_be_called_like_any_file(string name)
    {
        var checkpoint = Checkpoint.Open(_folder.Write("x.pth", Called(name)));

        Assert.Equal(PickleConstructs.First, CheckpointKit.Elements(checkpoint, "a"));
    }

    [Theory]
    [InlineData(@"a\b")]
    [InlineData("a\0b")]
    public void An_archive_is_not_called_like_no_file(string name) =>
        Assert.Equal("ML2007", CheckpointKit.Refusal(_folder.Write("x.pth", Called(name))).Rule.Id);

    // PyTorch writes no POP_MARK, and its own reader does not support it. The reader of Python does.
    // Its tensors have no names, so that they could not be listed.
    [Theory]
    [InlineData("set")]
    [InlineData("frozenset")]
    public void A_set_with_tensors_is_refused_by_its_name_and_the_rest_can_be_read(string kind)
    {
        byte[] set = PickleForge.Call("builtins", kind, PickleForge.List(PickleForge.Tuple(PickleForge.Tensor())));
        string path = _folder.Write("x.pth", ZipForge.Torch(
            pickle: PickleForge.Whole(PickleForge.Dict(("a", set), ("b", PickleForge.Tensor())))));

        MemLoadException refusal = CheckpointKit.Refusal(path);

        Assert.Equal("ML3005", refusal.Rule.Id);
        Assert.Contains("'a' is a set with tensors", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("list(s)", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("b", Checkpoint.OpenSelected(path, null, null, ["a"], false, CancellationToken.None).Tensors.Single().Name);
    }

    [Fact]
    public void POP_MARK_drops_the_mark_and_what_lies_above_it()
    {
        byte[] pickle = PickleForge.Whole(
            PickleForge.Mark, PickleForge.Number(1), PickleForge.None, "1"u8.ToArray(), PickleForge.StateDict());

        var checkpoint = Checkpoint.Open(_folder.Write("x.pth", ZipForge.Torch(pickle: pickle)));

        Assert.Equal(PickleConstructs.First, CheckpointKit.Elements(checkpoint, "a"));
    }

    // zip programs write 64-bit lengths if they did not know the length before, and some leave out the signature.
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void A_data_descriptor_has_32_or_64_bits_and_a_signature_or_none(bool signed, bool wide)
    {
        byte[] archive = ZipForge.Torch(zip =>
            zip.Records.ForEach(record => record.Defer(wide ? record.WideDescriptor(signed: signed) : record.Descriptor(signed: signed))));

        var checkpoint = Checkpoint.Open(_folder.Write("x.pth", archive));

        Assert.Equal(PickleConstructs.First, CheckpointKit.Elements(checkpoint, "a"));
    }

    [Theory]
    [InlineData(16UL + (1UL << 32), null)]
    [InlineData(null, 16UL + (1UL << 32))]
    public void All_64_bits_of_a_data_descriptor_are_those_of_the_directory(ulong? stored, ulong? length)
    {
        byte[] archive = ZipForge.Torch(zip => zip["data/0"].Defer(zip["data/0"].WideDescriptor(stored, length)));

        Assert.Equal("ML2003", CheckpointKit.Refusal(_folder.Write("x.pth", archive)).Rule.Id);
    }

    [Fact]
    public void A_random_pickle_is_opened_or_refused_by_a_rule()
    {
        int opened = 0;
        for (ulong index = 0; index < 3000; index++)
        {
            (string name, byte[] content) = Differential.Make(7, index);
            string path = _folder.Write(name, content);
            try
            {
                Checkpoint.Open(path);
                opened++;
            }
            catch (MemLoadException e) when (e.Rule != Rules.Unexpected)
            {
            }
        }
        Assert.InRange(opened, 1000, 2000);
    }

    [NeedsFact(typeof(PythonPeer), DisplayName = "PyTorch reads a thousand random pickles as MemLoad does, or MemLoad refuses them")]
    public void PyTorch_reads_a_thousand_random_pickles_as_MemLoad_does()
    {
        var differential = new Differential(77, Examiner.DefaultScratch, PythonPeer.Program);

        differential.Run(0, 1000, threads: 1);

        Assert.Equal(1000, differential.Done);
        Assert.Empty(differential.Findings);
        Assert.InRange(differential.Tensors, 300, long.MaxValue);
    }

    private static byte[] Called(string name) => ZipForge.Torch(zip => zip.Records.ForEach(record => record.Name =
        System.Text.Encoding.UTF8.GetBytes(name + System.Text.Encoding.UTF8.GetString(record.Name)["archive".Length..])));

    private static string Said(IEnumerable<(string Name, byte[] Bytes)> tensors) =>
        string.Join(
            "; ",
            tensors
                .OrderBy(tensor => tensor.Name, StringComparer.Ordinal)
                .Select(tensor => $"{tensor.Name} = {Convert.ToHexStringLower(tensor.Bytes)}"));
}
