using MemLoad.Tests.Corpus;
using static MemLoad.Tests.Checkpoints.CheckpointKit;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Checkpoints;

/// <summary>
/// Files with objects other than tensors. <c>FILE.outside.json</c> has the tensors of plain containers. PyTorch read them with an empty
/// class in place of each class that MemLoad does not know.
/// </summary>
public sealed class OpaqueTests : IDisposable
{
    private static readonly OpenLimits Allowed = new() { AllowOpaque = true };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "cases");

    public static TheoryData<string> Outside =>
    [
        .. Directory.EnumerateFiles(Root, "*.outside.json", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Root, file[..^".outside.json".Length]).Replace('\\', '/')).Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Outside))]
    public void The_tensors_outside_objects_are_those_of_PyTorch(string name)
    {
        string path = Path.Combine(Root, name);
        var checkpoint = Checkpoint.Open(path, Allowed);

        Assert.Equal(StatedTensors(path + ".outside.json"), ReadTensors(checkpoint));
        bool isPlain = name.Contains("no-callbacks", StringComparison.Ordinal);
        Assert.Equal(isPlain ? 0 : 1, Math.Min(1, checkpoint.OpaqueObjects!.Value));
        Assert.Equal(isPlain, checkpoint.Findings.IsEmpty);
        if (!isPlain)
        {
            MemLoadException refusal = Refusal(path);
            Assert.Contains("torch.save(", refusal.Remedy, StringComparison.Ordinal);
            Assert.Contains(Vocabulary.Current.Of(Setting.AllowOpaque), refusal.Remedy, StringComparison.Ordinal);
        }
        string manifest = _folder["m.manifest.json"];
        ManifestWriter.Write(checkpoint, manifest, overwrite: true, null, default);
        WeightVerdict verdict = WeightTester.Test(path, Allowed, deep: true, WeightManifest.Read(manifest, default), null, default);
        Assert.Equal((true, checkpoint.OpaqueObjects), (verdict.IsSound, verdict.OpaqueObjects));
        if (!checkpoint.Tensors.IsEmpty)
        {
            using var loaded = WeightLoader.Load(
                new LoadRequest
                {
                    Path = path,
                    Strategy = Strategy.Stream,
                    Device = "cpu",
                    AllowOpaque = true,
                });
            Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(loaded.Weights));
            Assert.Equal(checkpoint.OpaqueObjects, loaded.Prepared.ToRow().OpaqueObjects);
        }
    }

    [Theory]
    [InlineData("02-sd15-lightning-ckpt/sd-v1-4.ckpt", "ML3003", "torch.save(c['state_dict'], new)")]
    [InlineData("02-sd15-lightning-ckpt/lightning-attributedict.ckpt", "ML3003", "torch.save(c['state_dict'], new)")]
    [InlineData("03-argparse-namespace/detr-checkpoint.pth", "ML3003", "torch.save(c['model'], new)")]
    [InlineData("04-yolo-whole-model/yolov8n.pt", "ML3003", "torch.save(c['model'].state_dict(), new)")]
    [InlineData("06-numpy-scalars/datetime.pth", "ML3011", "torch.save(c['model'], new)")]
    [InlineData("06-numpy-scalars/longdouble.pth", "ML3006", "torch.save(c['model'], new)")]
    [InlineData("07-numpy-arrays/deepflash2.pth", "ML3003", "torch.save(c['model'], new)")]
    [InlineData("08-gpt-sovits/eve_e8_s104.pth", "ML3003", "torch.save(c['weight'], new)")]
    [InlineData(
        "21-te-extra-state/bytesio.pt", "ML3003", "torch.save({k: v for k, v in c['model'].items() if isinstance(v, torch.Tensor)}, new)")]
    [InlineData("23-npu-rebuild/npu-format.pth", "ML3003", "torch.save({k: v.cpu() for k, v in c.items()}, new)")]
    public void The_remedy_names_the_key_that_the_tensors_are_under(string name, string rule, string python)
    {
        MemLoadException refusal = Refusal(Path.Combine(Root, name));

        Assert.Equal(rule, refusal.Rule.Id);
        Assert.StartsWith("Only if you trust the file ", refusal.Remedy, StringComparison.Ordinal);
        Assert.Contains("c = torch.load(path, weights_only=False); " + python, refusal.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("04-yolo-whole-model/yolov8n.pt", "all 7 tensors of the file are in objects")]
    [InlineData("10-hf-trainer-folder/checkpoint-500/training_args.bin", "no tensors")]
    [InlineData("23-npu-rebuild/npu-format.pth", "no tensors")]
    public void A_file_without_tensors_outside_objects_is_refused_also_with_consent(string name, string finding)
    {
        MemLoadException refusal = Refusal(() => Checkpoint.Open(Path.Combine(Root, name), Allowed));

        Assert.Equal("ML3004", refusal.Rule.Id);
        Assert.Contains(finding, refusal.Finding, StringComparison.Ordinal);
        Assert.DoesNotContain(Vocabulary.Current.Of(Setting.AllowOpaque), refusal.Remedy, StringComparison.Ordinal);
    }

    private static readonly byte[] Payload = Text($"touch {PickleCorpus.Trace}");
    private static readonly byte[] Second = Tensor(Storage(key: "1"));

    private static byte[] Put(byte index) => [(byte)'q', index];

    private static byte[] Get(byte index) => [(byte)'h', index];

    private static byte[] Object(params IEnumerable<byte[]> arguments) => Call("evil", "make", arguments);

    private static byte[] Pair(byte[] key, byte[] value) => Cat(key, value, Bytes("s"));

    // Returns a pickle whose root is a dict of the pairs.
    private static byte[] Of(params IEnumerable<(string Key, byte[] Value)> items) => Whole(Dict(items));

    private static (string, byte[]) A => ("a", Cat(Tensor(), Put(1)));

    /// <summary>
    /// Pickles with objects. The expectation is the names, the objects and the tensors in objects that open with consent, or the rule and
    /// the refused entry.
    /// </summary>
    private static readonly Dictionary<string, (byte[] Pickle, string Expected)> Pickles = new()
    {
        // Nothing is called. The arguments of an object have no effect on values that it does not get.
        ["os.system beside a tensor"] = (Of(A, ("x", Call("os", "system", Payload))), "a; 1; 0"),
        ["eval as the key of a dict"] = (Of(A, ("x", Cat(EmptyDict, Pair(Global("builtins", "eval"), None)))), "a; 1; 0"),
        ["os.system by NEWOBJ"] = (Of(A, ("x", Cat(Global("os", "system"), Tuple(Payload), [0x81]))), "a; 1; 0"),
        ["os.system by STACK_GLOBAL"] = (Of(A, ("x", Cat(StackGlobal("os", "system"), Tuple(Payload), Reduce))), "a; 1; 0"),
        ["os.system in the state of an object"] = (
            Of(A, ("x", Cat(Object(), Dict(("y", Call("os", "system", Payload))), Build))),
            "a; 1; 0"),
        ["os.system in the hooks of a tensor"] = (
            Of(("a", Tensor(hooks: Cat(OrderedDict, Pair(Text("h"), Call("os", "system", Payload)))))),
            "a; 1; 0"),
        ["os.system popped from the stack"] = (Whole(Call("os", "system", Payload), Bytes("0"), Dict(A)), "a; 1; 0"),
        ["os.system as the factory of a defaultdict"] = (
            Of(A, ("x", Call("collections", "defaultdict", Global("os", "system")))),
            "a; 1; 0"),
        ["os.system as hooks"] = (Of(A, ("b", Tensor(Storage(key: "1"), hooks: Call("os", "system", Payload)))), "a; 1; 0"),
        ["os.system as the type of a storage"] = (
            Of(("a", Second), ("x", Cat(Tuple(Text("storage"), Global("os", "system"), Text("0"), Text("cpu"), Number(4)), Persistent))),
            "a; 1; 0"),
        ["an object with a tensor of its own"] = (Of(A, ("x", Object(Second))), "a; 1; 1"),
        ["a class beside a tensor"] = (Of(A, ("x", Global("evil", "Class"))), "a; 1; 0"),
        ["objects in objects"] = (Of(A, ("x", Object(Object(Object(Second))))), "a; 1; 1"),
        ["an object that holds itself"] = (Of(A, ("x", Cat(Object(), Put(2), Dict(("me", Get(2))), Build))), "a; 1; 0"),
        ["objects in a set"] = (Of(A, ("x", Call("builtins", "set", List(Object(), Object())))), "a; 2; 0"),
        ["a dict after the state of an object"] = (Of(("x", Cat(Object(), EmptyDict, Build)), ("m", Dict(A))), "m.a; 1; 0"),
        ["a list that is extended by an object"] = (Of(A, ("x", Cat(Object(), Mark, Second, Bytes("e")))), "a; 1; 1"),
        ["a dict of an unknown class"] = (Of(A, ("x", Cat(Object(), Mark, Text("k"), Second, Bytes("u")))), "a; 1; 1"),
        ["a list without tensors that an object holds"] = (Of(A, ("l", Cat(EmptyList, Put(2))), ("x", Object(Get(2)))), "a; 2; 0"),
        ["a tuple that an object holds"] = (Of(A, ("t", Cat(Tuple(Number(1), Number(2)), Put(2))), ("x", Object(Get(2)))), "a; 1; 0"),

        // An object that gets a tensor, or a value from which the tensor is reachable, could change it.
        ["the tensor is given to an object"] = (Of(A, ("x", Object(Get(1)))), "ML3012 a"),
        ["the tensor is given to an object before"] = (Of(("x", Object(Tensor(), Put(1))), ("a", Get(1))), "ML3012 a"),
        ["another view of the storage is given to an object"] = (Of(A, ("x", Object(Tensor(shape: Numbers(1))))), "ML3012 a"),
        ["the storage is given to an object"] = (Of(A, ("x", Object(Storage()))), "ML3012 a"),
        ["the tensor deep in the arguments"] = (Of(A, ("x", Object(List(Dict(("k", Tuple(Get(1)))))))), "ML3012 a"),
        ["the tensor in the state of an object"] = (Of(A, ("x", Cat(Object(), Dict(("k", Get(1))), Build))), "ML3012 a"),
        ["the tensor in the second state of an object"] = (
            Of(A, ("x", Cat(Object(), EmptyDict, Build, Dict(("k", Get(1))), Build))),
            "ML3012 a"),
        ["the tensor is appended to an object"] = (Of(A, ("x", Cat(Object(), Get(1), Bytes("a")))), "ML3012 a"),
        ["the tensor is set in an object"] = (Of(A, ("x", Cat(Object(), Text("k"), Get(1), Bytes("s")))), "ML3012 a"),
        ["the tensor is added to an object"] = (Of(A, ("x", Cat(Object(), Mark, Get(1), [0x90]))), "ML3012 a"),
        ["the tensor by NEWOBJ"] = (Of(A, ("x", Cat(Global("evil", "Class"), Tuple(Get(1)), [0x81]))), "ML3012 a"),
        ["the tensor is given to a type"] = (Of(A, ("x", Call("builtins", "list", Tuple(Get(1))))), "ML3012 a"),
        ["the list gets the tensor later"] = (
            Whole(EmptyList, Put(2), Bytes("0"), Object(Get(2)), Bytes("0"), Dict(("l", Cat(Get(2), Tensor(), Bytes("a"))))),
            "ML3012 l.0"),
        ["the dict gets the tensor later"] = (
            Whole(EmptyDict, Put(2), Bytes("0"), Object(Get(2)), Bytes("0"), Dict(("d", Cat(Get(2), Pair(Text("k"), Tensor()))))),
            "ML3012 d.k"),
        ["the dict held the tensor before"] = (
            Whole(
                EmptyDict,
                Put(2),
                Pair(Text("k"), Cat(Tensor(), Put(1))),
                Bytes("0"),
                Object(Get(2)),
                Bytes("0"),
                Get(2),
                Pair(Text("k"), None),
                Bytes("0"),
                Dict(("a", Get(1)), ("b", Second))),
            "ML3012 a"),
        ["the root is given to an object"] = (Whole(EmptyDict, Put(2), Pair(Text("a"), Tensor()), Object(Get(2)), Bytes("0")), "ML3012 a"),
        ["the root is the state of an object"] = (
            Whole(EmptyDict, Put(2), Pair(Text("x"), Cat(Object(), Get(2), Build)), Pair(Text("a"), Tensor())),
            "ML3012 a"),
        ["a type of storage that is not known, and then a known one"] = (
            Of(("x", Cat(Tuple(Text("storage"), Global("evil", "Type"), Text("0"), Text("cpu"), Number(4)), Persistent)), A),
            "ML3012 a"),
        ["a known type of storage, and then one that is not"] = (
            Of(A, ("x", Cat(Tuple(Text("storage"), Global("evil", "Type"), Text("0"), Text("cpu"), Number(4)), Persistent))),
            "ML3012 a"),
        ["the tensor is reached through the hooks of another"] = (
            Of(
                ("h", Cat(OrderedDict, Put(2))),
                ("b", Cat(Tensor(Storage(key: "1"), hooks: Get(2)), Put(3))),
                ("x", Object(Get(3))),
                ("z", Cat(Get(2), Pair(Text("k"), Tensor())))),
            "ML3012 h.k"),
        ["the tensor is reached through an attribute of another"] = (
            Of(
                ("l", Cat(EmptyList, Put(2))),
                ("b", Cat(Call("torch._utils", "_rebuild_parameter_with_state", Second, False, OrderedDict, Dict(("k", Get(2)))), Put(3))),
                ("x", Object()),
                ("z", Cat(Get(2), Tensor(), Bytes("a")))),
            "ML3012 l.0"),
        ["the tensor is reached through an attribute of a dict"] = (
            Of(
                ("l", Cat(EmptyList, Put(2))),
                ("d", Cat(OrderedDict, Dict(("_metadata", Get(2))), Build)),
                ("x", Object()),
                ("z", Cat(Get(2), Tensor(), Bytes("a")))),
            "ML3012 l.0"),
        ["the tensor is a part of a sparse one that an object gets"] = (
            Of(A, ("x", Object(Call("torch._utils", "_rebuild_sparse_tensor", Get(1))))),
            "ML3012 a"),

        // The class of an object decides which keys the object is equal to.
        ["a dict with an object as a key"] = (
            Of(A, ("d", Cat(EmptyDict, Pair(Text("w"), Second), Pair(Global("os", "sep"), None)))),
            "a; 1; 1"),
        ["a root with an object as a key"] = (Whole(EmptyDict, Pair(Text("w"), Tensor()), Pair(Global("os", "sep"), Second)), "ML3004"),
        ["a dict with an object in a key"] = (
            Of(A, ("d", Cat(EmptyDict, Pair(Text("w"), Second), Pair(Tuple(Global("os", "sep")), None)))),
            "a; 1; 1"),
        ["a copy of a dict with an object as a key"] = (
            Of(A, ("d", Call("collections", "OrderedDict", Cat(EmptyDict, Pair(Text("w"), Second), Pair(Global("os", "sep"), None))))),
            "a; 1; 1"),

        // A call of the allowlist does not read values that an object can change.
        ["a copy of a dict that an object holds"] = (
            Of(
                A,
                ("d", Cat(Dict(("k", Second)), Put(2), Bytes("0"), Object(Get(2)), Bytes("0"), Call("collections", "OrderedDict", Get(2))))
            ),
            "a; 2; 1"),
        ["a copy of pairs that an object holds"] = (
            Of(
                A,
                (
                    "d",
                    Cat(
                        List(Text("k"), Second),
                        Put(2),
                        Bytes("0"),
                        Object(Get(2)),
                        Bytes("0"),
                        Call("collections", "OrderedDict", List(Get(2)))))),
            "a; 2; 1"),
        ["a size of a list that an object holds"] = (
            Of(
                A,
                (
                    "d",
                    Cat(
                        List(Number(4)),
                        Put(2),
                        Bytes("0"),
                        Object(Get(2)),
                        Bytes("0"),
                        Tensor(Storage(key: "1"), shape: Call("torch", "Size", Get(2)))))),
            "a; 2; 0"),
        ["flags that an object holds"] = (
            Of(
                A,
                (
                    "d",
                    Cat(
                        Dict(("neg", True)),
                        Put(2),
                        Bytes("0"),
                        Object(Get(2)),
                        Bytes("0"),
                        Call(
                            "torch._utils",
                            "_rebuild_tensor_v2",
                            Storage(key: "1"),
                            Number(0),
                            Numbers(4),
                            Numbers(1),
                            False,
                            OrderedDict,
                            Get(2))))),
            "a; 2; 0"),
        ["a tensor with a shape that is an object"] = (Of(A, ("d", Tensor(Storage(key: "1"), shape: Object()))), "a; 1; 0"),
        ["attributes of a dict that an object holds"] = (
            Of(A, ("d", Cat(OrderedDict, Dict(("k", None)), Put(2), Object(Get(2)), Bytes("0"), Build))),
            "ML3012"),

        // Refusals for other reasons do not change.
        ["a tensor that is changed after it was made"] = (Of(("x", Object()), ("a", Cat(Tensor(), Dict(("data", None)), Build))), "ML3011"),
        ["a key of a storage that is an object"] = (
            Of(
                A,
                ("x", Cat(Tuple(Text("storage"), Global("torch", "FloatStorage"), Global("os", "sep"), Text("cpu"), Number(4)), Persistent))
            ),
            "ML3006"),
        ["a place of a storage that is an object"] = (
            Of(
                A,
                ("x", Cat(Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Global("os", "sep"), Number(4)), Persistent))),
            "ML3006"),
        ["BUILD on a function of the list"] = (Of(A, ("x", Cat(Global("torch._utils", "_rebuild_tensor_v2"), Object(), Build))), "ML3001"),
        ["an attribute of a tensor by an object"] = (
            Of(
                ("x", Object()),
                ("a", Call("torch._utils", "_rebuild_parameter_with_state", Tensor(), False, OrderedDict, Dict(("data", None))))),
            "ML3011"),
        ["a subclass whose class is not known"] = (
            Of(
                A,
                (
                    "x",
                    Call(
                        "torch._tensor",
                        "_rebuild_from_type_v2",
                        Global("torch._utils", "_rebuild_tensor_v2"),
                        Global("evil", "Tensor"),
                        Tuple(Second),
                        EmptyDict))),
            "ML3005 x"),
        ["INST"] = (Whole(Mark, Payload, Bytes("ios\nsystem\n")), "ML3002"),
        ["an object alone"] = (Whole(Object()), "ML3004"),

        // Depth and number
        ["arguments nested 100,000 deep"] = (Of(A, ("x", Object(Cat(EmptyTuple, Repeat([0x85], 100_000))))), "a; 1; 0"),
        ["objects nested 100,000 deep"] = (
            Of(
                A,
                (
                    "x",
                    Cat(
                        Global("evil", "C"),
                        Put(2),
                        EmptyTuple,
                        [0x81],
                        Repeat(Cat(Put(3), Bytes("0"), Get(2), Get(3), [0x85, 0x81]), 20_000)))),
            "a; 1; 0"),
        ["a list of 100,000 given 100,000 times"] = (
            Of(
                A,
                (
                    "x",
                    Cat(
                        EmptyList,
                        Mark,
                        Repeat(None, 100_000),
                        Bytes("e"),
                        Put(2),
                        Bytes("0"),
                        Global("evil", "C"),
                        Put(3),
                        Bytes("0"),
                        EmptyList,
                        Mark,
                        Repeat(Cat(Get(3), Get(2), [0x85], Reduce), 100_000),
                        Bytes("e")))),
            "a; 100000; 0"),
        ["a million objects"] = (
            Of(
                A,
                (
                    "x",
                    Cat(
                        Global("evil", "C"),
                        Put(3),
                        Bytes("0"),
                        EmptyList,
                        Mark,
                        Repeat(Cat(Get(3), EmptyTuple, Reduce), 1_000_000),
                        Bytes("e")))),
            "ML1013"),
        ["a tuple of a million as a key, many times"] = (
            Of(
                A,
                (
                    "x",
                    Cat(
                        Mark,
                        Repeat(None, 1_000_000),
                        Bytes("t"),
                        Put(2),
                        Bytes("0"),
                        EmptyDict,
                        Repeat(Pair(Cat(Get(2), Global("evil", "C"), [0x86]), None), 1000)))),
            "ML1013"),
    };

    public static TheoryData<string> PickleNames => [.. Pickles.Keys];

    [Theory]
    [MemberData(nameof(PickleNames))]
    public void A_pickle_with_objects_runs_no_code_and_shows_only_values_that_objects_cannot_change(string name)
    {
        (byte[] pickle, string expected) = Pickles[name];
        string path = _folder.Write(
            "x.pth", ZipForge.Torch(zip => zip.Add("archive/data/1", [.. Enumerable.Range(50, 16).Select(i => (byte)i)]), pickle));
        long before = GC.GetAllocatedBytesForCurrentThread();
        string found;
        try
        {
            var checkpoint = Checkpoint.Open(path, Allowed);
            found = string.Join(
                "; ", string.Join(' ', checkpoint.Tensors.Select(tensor => tensor.Name)), checkpoint.OpaqueObjects, TensorsIn(checkpoint));
            Assert.Equal(checkpoint.OpaqueObjects == 0, checkpoint.Findings.IsEmpty);
        }
        catch (MemLoadException e)
        {
            found = e.Rule.Id;
            found +=
                e.Rule == Rules.ObjectHolds || e.Rule == Rules.TensorKind
                    ? Printable.Text(" " + e.Finding.Split('\'').ElementAtOrDefault(1))
                    : "";
            Assert.DoesNotContain(e.Message, char.IsControl);
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(expected, found.TrimEnd());
        Assert.True(allocated <= (16 << 20) + (8 * new FileInfo(path).Length), $"{allocated} bytes");
        Assert.False(File.Exists(PickleCorpus.Trace));
        // Without consent the same file is refused; only a tensor of a subclass can be left out.
        Assert.NotNull(Refusal(path));
    }

    [Fact]
    public void An_entry_that_an_object_also_holds_can_be_left_out()
    {
        string path = _folder.Write("x.pth", ZipForge.Torch(
            zip => zip.Add("archive/data/1", new byte[16]), Of(A, ("b", Second), ("x", Object(Get(1))))));

        Assert.Equal(
            "ML3012", Assert.Throws<MemLoadException>(() => Checkpoint.OpenSelected(path, null, null, null, true, default)).Rule.Id);
        Assert.Equal("b", Assert.Single(Checkpoint.OpenSelected(path, null, null, ["a"], true, default).Tensors).Name);
        Assert.Equal(
            "ML3003", Assert.Throws<MemLoadException>(() => Checkpoint.OpenSelected(path, null, null, ["a"], false, default)).Rule.Id);
    }

    // A class that only these tensors use needs no consent, because values of this class are refused by their name.
    [Theory]
    [InlineData("a tensor subclass", "torch._tensor", "_rebuild_from_type_v2")]
    [InlineData("a quantized tensor", "torch._utils", "_rebuild_qtensor")]
    public void A_tensor_of_another_kind_can_be_left_out_also_without_consent(string kind, string module, string function)
    {
        byte[] storage = Cat(Tuple(Text("storage"), Global("torch", "QUInt4x2Storage"), Text("1"), Text("cpu"), Number(4)), Persistent);
        byte[] other =
            function == "_rebuild_qtensor"
                ? Call(
                    module,
                    function,
                    storage,
                    Number(0),
                    Numbers(8),
                    Numbers(1),
                    Tuple(Global("torch", "per_tensor_affine"), Number(1), Number(0)),
                    False,
                    OrderedDict)
                : Call(
                    module,
                    function,
                    Global("torch._utils", "_rebuild_tensor_v2"),
                    Global("evil", "Tensor"),
                    Tuple(Second),
                    Cat(EmptyDict, Pair(Text("k"), Object())));
        string path = _folder.Write("x.pth", ZipForge.Torch(zip => zip.Add("archive/data/1", new byte[4]), Of(A, ("q", other))));

        MemLoadException refusal = Refusal(path);
        Assert.Equal("ML3005", refusal.Rule.Id);
        Assert.Contains(kind, refusal.Finding, StringComparison.Ordinal);
        foreach (bool allowed in new[] { false, true })
        {
            Assert.Equal("a", Assert.Single(Checkpoint.OpenSelected(path, null, null, ["q"], allowed, default).Tensors).Name);
            Assert.Equal(
                "ML3005", Assert.Throws<MemLoadException>(() => Checkpoint.OpenSelected(path, null, null, null, allowed, default)).Rule.Id);
        }
    }

    [Fact]
    public void A_function_that_runs_a_program_is_the_first_refusal_and_a_finding_with_consent()
    {
        string path = _folder.Write("x.pth", ZipForge.Torch(pickle: Of(("args", Object()), A, ("x", Call("os", "system", Payload)))));

        Assert.Equal("ML3010", Refusal(path).Rule.Id);
        string finding = Assert.Single(Checkpoint.Open(path, Allowed).Findings);
        Assert.Contains("'os.system'", finding, StringComparison.Ordinal);
    }

    // The older format and shards have the same readers.
    [Fact]
    public void Shards_with_objects_add_their_numbers()
    {
        byte[] one = ZipForge.Torch(pickle: Of(A, ("x", Object())));
        byte[] two = ZipForge.Torch(pickle: Of(("b", Tensor()), ("y", Object()), ("z", Object())));
        _folder.Write("pytorch_model-00001-of-00002.bin", one);
        _folder.Write("pytorch_model-00002-of-00002.bin", two);
        string index = _folder.Write("pytorch_model.bin.index.json", System.Text.Encoding.UTF8.GetBytes("""
            {"metadata":{"total_size":32},"weight_map":{"a":"pytorch_model-00001-of-00002.bin","b":"pytorch_model-00002-of-00002.bin"}}
            """));

        Assert.Equal("ML3003", Refusal(() => Checkpoint.Open(index)).Rule.Id);
        var checkpoint = Checkpoint.Open(index, Allowed);
        Assert.Equal(["a", "b"], checkpoint.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(3, checkpoint.OpaqueObjects);
    }

    private static long TensorsIn(Checkpoint checkpoint) =>
        checkpoint.Findings.FirstOrDefault()?.Split(", with ") is [_, string rest]
            ? long.Parse(rest.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)
            : 0;
}
