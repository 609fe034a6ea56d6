using System.Collections.Immutable;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Corpus;

/// <summary>A construct of pickles that readers can interpret in several ways, with the results of PyTorch and MemLoad.</summary>
/// <param name="Name">The construct, in a few words.</param>
/// <param name="PyTorch">The interpretation of PyTorch.</param>
/// <param name="Rule">The rule with which MemLoad refuses it; null if MemLoad reads the same.</param>
/// <param name="Pickle">A pickle with the construct. Storage 0 has the bytes 1 to 16, storage 1 has 101 to 116, and storage 2 is
/// empty.</param>
/// <param name="Reads">The name and the bytes of each tensor that PyTorch reads; null if PyTorch also refuses it.</param>
internal sealed record PickleConstruct(
    string Name, string PyTorch, string? Rule, byte[] Pickle, ImmutableArray<(string Name, byte[] Bytes)>? Reads)
{
    /// <summary>The archive.</summary>
    public byte[] File => ZipForge.Torch(
        zip =>
        {
            zip.Add("archive/data/1", PickleConstructs.Second);
            zip.Add("archive/data/2", []);
        },
        Pickle);
}

/// <summary>The constructs that two readers could interpret differently, each as a file.</summary>
internal static class PickleConstructs
{
    private const string Refuses = "refuses";

    /// <summary>The bytes of storage 0.</summary>
    public static readonly byte[] First = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];

    /// <summary>The bytes of storage 1.</summary>
    public static readonly byte[] Second = [.. Enumerable.Range(101, 16).Select(i => (byte)i)];

    // The floats of storage 0 with their signs changed.
    private static readonly byte[] Negated = [.. First.Select((b, i) => i % 4 == 3 ? (byte)(b ^ 0x80) : b)];

    private static readonly byte[] One = Tensor();
    private static readonly byte[] Other = Tensor(Storage(key: "1"));
    private static readonly byte[] OtherState = Tuple(Storage(key: "1"), Number(0), Numbers(4), Numbers(1));
    private static readonly byte[] Put = [(byte)'q', 0];
    private static readonly byte[] Get = [(byte)'h', 0];
    private static readonly byte[] NewObject = [0x81];
    private static readonly byte[] NotANumber = Double(double.NaN);
    private static readonly byte[] Plain = Global("torch", "Tensor");
    private static readonly byte[] RebuildV2 = Global("torch._utils", "_rebuild_tensor_v2");
    private static readonly byte[] PlainArguments = Tuple(Storage(), Number(0), Numbers(4), Numbers(1), False, OrderedDict);

    /// <summary>All constructs.</summary>
    public static IReadOnlyList<PickleConstruct> All { get; } =
    [
        // BUILD
        new(
            "BUILD on a tensor with (storage, offset, size, stride)",
            "set_(): the tensor has the other storage",
            "ML3011",
            W(One, OtherState, Build),
            Is("w", Second)),
        new("BUILD on a tensor with ()", "set_(): the tensor is empty", "ML3011", W(One, EmptyTuple, Build), Is("w", [])),
        new(
            "BUILD on a Parameter with (storage, offset, size, stride)",
            "set_(): the parameter has the other storage",
            "ML3011",
            W(Parameter(One), OtherState, Build),
            Is("w", Second)),
        new(
            "BUILD on a Parameter with five parts",
            "the first part becomes its data",
            "ML3011",
            W(Parameter(One), Tuple(Other, None, OrderedDict, False, None), Build),
            Is("w", Second)),
        new(
            "BUILD on a tensor with an empty dict",
            "set_() of its keys: the tensor is empty",
            "ML3011",
            W(One, EmptyDict, Build),
            Is("w", [])),
        new(
            "BUILD on an OrderedDict with attributes of its own, such as _metadata",
            "sets them; they are no entries",
            null,
            Whole(OrderedDict, Text("w"), One, Bytes("s"), Dict(("_metadata", Dict(("version", Number(1)))), ("note", Other)), Build),
            Is("w", First)),
        new(
            "BUILD on an OrderedDict with the name of a method, such as items",
            "calls the attribute in the method's place: the dict reads as empty",
            "ML3011",
            Whole(OrderedDict, Text("w"), One, Bytes("s"), Dict(("items", Global("collections", "OrderedDict"))), Build),
            []),
        new(
            "BUILD on an OrderedDict with __class__ or another name of Python's",
            "sets the attribute",
            "ML3011",
            Whole(OrderedDict, Text("w"), One, Bytes("s"), Dict(("__class__", Number(1))), Build),
            Is("w", First)),
        new(
            "BUILD on an OrderedDict with pairs",
            "sets attributes",
            "ML3011",
            Whole(OrderedDict, Text("w"), One, Bytes("s"), List(Tuple(Text("a"), None)), Build),
            Is("w", First)),
        new("BUILD on a dict", Refuses, "ML3001", Whole(StateDict(One, "w"), EmptyDict, Build), null),
        new("BUILD on a Counter", "sets attributes", "ML3001", Whole(Call("collections", "Counter"), Dict(("a", None)), Build), []),

        // State of rebuild functions
        new("_rebuild_from_type_v2 with an attribute of its own", "sets it", null, W(FromType(Dict(("tag", Number(1))))), Is("w", First)),
        new("_rebuild_from_type_v2 with None or (None, None)", "sets nothing", null, W(FromType(Tuple(None, None))), Is("w", First)),
        new(
            "_rebuild_from_type_v2 with data",
            "the tensor has the other's storage",
            "ML3011",
            W(FromType(Dict(("data", Other)))),
            Is("w", Second)),
        new(
            "_rebuild_from_type_v2 with data among the slots",
            "the tensor has the other's storage",
            "ML3011",
            W(FromType(Tuple(None, Dict(("data", Other))))),
            Is("w", Second)),
        new(
            "_rebuild_from_type_v2 with real",
            "writes the other's elements into the storage",
            "ML3011",
            W(FromType(Dict(("real", Other)))),
            Is("w", Second)),
        new(
            "_rebuild_from_type_v2 with the name of a method",
            "sets it in the method's place",
            "ML3011",
            W(FromType(Dict(("is_shared", None)))),
            Is("w", First)),
        new(
            "_rebuild_from_type_v2 with a name that is no text",
            Refuses,
            "ML3011",
            W(FromType(Cat(EmptyDict, Number(1), None, Bytes("s")))),
            null),
        new(
            "_rebuild_from_type_v2 with arguments in a list",
            "takes them",
            "ML3006",
            W(FromType(EmptyDict, List(Storage(), Number(0), Numbers(4), Numbers(1), False, OrderedDict))),
            Is("w", First)),
        new(
            "_rebuild_parameter_with_state with an attribute of its own",
            "sets it",
            null,
            W(WithState(Dict(("tag", Number(1))))),
            Is("w", First)),
        new(
            "_rebuild_parameter_with_state with data",
            "the parameter has the other's storage",
            "ML3011",
            W(WithState(Dict(("data", Other)))),
            Is("w", Second)),
        new(
            "_rebuild_parameter_with_state with real",
            "writes the other's elements into the storage",
            "ML3011",
            W(WithState(Dict(("real", Other)))),
            Is("w", Second)),
        new("_rebuild_parameter_with_state with grad", "sets the gradient", "ML3011", W(WithState(Dict(("grad", Other)))), Is("w", First)),

        // Flags
        new("the flag neg with True", "the elements change sign", null, W(Flagged(("neg", True))), Is("w", Negated)),
        new(
            "the flag neg with False",
            "the elements change sign: that it is there counts",
            "ML3006",
            W(Flagged(("neg", False))),
            Is("w", Negated)),
        new(
            "the flag neg with a number",
            "the elements change sign: that it is there counts",
            "ML3006",
            W(Flagged(("neg", Number(0)))),
            Is("w", Negated)),
        new(
            "the flag neg on whole numbers",
            "the elements change sign",
            "ML3006",
            W(Flagged("IntStorage", ("neg", True))),
            Is("w", [.. Enumerable.Range(0, 4).SelectMany(i => BitConverter.GetBytes(-BitConverter.ToInt32(First, 4 * i)))])),
        new("the flag conj on a type that is not complex", Refuses, "ML3006", W(Flagged(("conj", True))), null),
        new("the flag zerotensor", "keeps a mark; the elements stay", "ML3006", W(Flagged(("zerotensor", True))), Is("w", First)),
        new("another flag", "passes it over", "ML3006", W(Flagged(("other", True))), Is("w", First)),
        new("no flags: None or {}", "reads the elements as they are", null, W(Flagged()), Is("w", First)),
        new("requires_grad on whole numbers", Refuses, "ML3006", W(Tensor(Storage("IntStorage"), gradient: True)), null),
        new("requires_grad that is a number", Refuses, "ML3006", W(Tensor(gradient: Number(1))), null),
        new(
            "_rebuild_tensor with a fifth argument",
            Refuses,
            "ML3006",
            W(Call("torch._utils", "_rebuild_tensor", Storage(), Number(0), Numbers(4), Numbers(1), None)),
            null),
        // Copies
        new(
            "OrderedDict(d), and d changes afterwards",
            "the copy keeps what it had",
            null,
            Copied("OrderedDict"),
            Is3(Second, First, Second)),
        new("Counter(d), and d changes afterwards", "the copy keeps what it had", null, Copied("Counter"), Is3(Second, First, Second)),
        new(
            "a dict that the memo gives twice, and it changes",
            "both are one",
            null,
            Whole(Tuple(Cat(StateDict(One, "w"), Put), Cat(Get, Text("w"), Other, Bytes("s")))),
            [("0.w", Second), ("1.w", Second)]),
        new(
            "a list that the memo gives twice, and it grows",
            "both are one",
            null,
            Whole(Tuple(Cat(List(One), Put), Cat(Get, Other, Bytes("a")))),
            [("0.0", First), ("0.1", Second), ("1.0", First), ("1.1", Second)]),
        new(
            "set(list), and the list grows",
            "the set keeps what it had",
            null,
            Whole(Tuple(Cat(List(Text("x")), Put), Call("builtins", "set", Get), Cat(Get, One, Bytes("a")))),
            [("0.1", First), ("2.1", First)]),
        new(
            "a memo number that is set twice",
            "the last one counts",
            null,
            Whole(Tuple(Cat(StateDict(One, "w"), Put), Cat(StateDict(Other, "w"), Put), Get)),
            Is3(First, Second, Second)),
        new(
            "OrderedDict of pairs",
            "takes them as entries",
            null,
            Whole(Call("collections", "OrderedDict", List(List(Text("w"), One), Tuple(Text("v"), Other)))),
            [("w", First), ("v", Second)]),
        new("OrderedDict(None), or of two arguments", Refuses, "ML3006", Whole(Call("collections", "OrderedDict", None)), null),

        // Values out of nothing
        new(
            "Counter of a list",
            "counts the items",
            "ML3006",
            Whole(Dict(("c", Call("collections", "Counter", List(Text("x"), Text("x")))), ("w", One))),
            Is("w", First)),
        new(
            "NEWOBJ of a container with nothing",
            "makes it empty",
            null,
            Whole(Global("collections", "OrderedDict"), EmptyTuple, NewObject, Text("w"), One, Bytes("s")),
            Is("w", First)),
        new(
            "NEWOBJ of a container with arguments",
            "drops the arguments: the dict is empty",
            "ML3006",
            Whole(Global("collections", "OrderedDict"), Tuple(StateDict(One, "w")), NewObject),
            []),
        new(
            "NEWOBJ of a Parameter",
            "makes one of its arguments",
            "ML3001",
            W(Global("torch.nn.parameter", "Parameter"), Tuple(One, False), NewObject),
            Is("w", First)),
        new(
            "SETITEM of an item of a list",
            "exchanges the item",
            "ML3001",
            Whole(List(One), Number(0), Other, Bytes("s")),
            Is("0", Second)),
        // Keys
        new("keys 1 and True", "one key: the first name, the last value", null, Keys(Number(1), True), Is("1", Second)),
        new("keys 1 and 1.0", "one key: the first name, the last value", null, Keys(Number(1), Double(1)), Is("1", Second)),
        new("keys 0.0 and False", "one key: the first name, the last value", null, Keys(Double(0), False), Is("0.0", Second)),
        new(
            "keys 2⁶³ as a whole number and as a fraction",
            "one key: the first name, the last value",
            null,
            Keys(Number(System.Numerics.BigInteger.One << 63), Double(Math.Pow(2, 63))),
            Is("9223372036854775808", Second)),
        new(
            "keys (1,) and (True,)",
            "one key: the first name, the last value",
            null,
            Keys(Tuple(Number(1)), Tuple(True)),
            Is("(1,)", Second)),
        new("keys b'a' and b'a'", "one key: the first name, the last value", null, Keys(Encoded("a"), Encoded("a")), Is("b'a'", Second)),
        new("keys b'a' and b'b'", "two keys", null, Keys(Encoded("a"), Encoded("b")), [("b'a'", First), ("b'b'", Second)]),
        new("keys b'1' and 1", "two keys", null, Keys(Encoded("1"), Number(1)), [("b'1'", First), ("1", Second)]),
        new(
            "a key that is a torch.Size and a tuple like it",
            "one key: the first name, the last value",
            null,
            Keys(Call("torch", "Size", Numbers(1, 2)), Numbers(1, 2)),
            Is("torch.Size([1, 2])", Second)),
        new(
            "keys torch.device('cuda:0') and torch.device('cuda', 0)",
            "one key: the first name, the last value",
            null,
            Keys(Call("torch", "device", Text("cuda:0")), Call("torch", "device", Text("cuda"), Number(0))),
            Is("cuda:0", Second)),
        new("keys 1 and '1'", "two keys that print alike", "ML6001", Keys(Number(1), Text("1")), Is("1", Second)),
        new(
            "keys NaN and NaN",
            "two keys that print alike, unless they are one object",
            "ML3001",
            Keys(NotANumber, NotANumber),
            Is("nan", Second)),
        new("a key that is a list, a dict or a set", Refuses, "ML3001", Keys(EmptyList, EmptyDict), null),
        new(
            "_codecs.encode with another encoding than latin1",
            "encodes so",
            "ML3006",
            Keys(Call("_codecs", "encode", Text("é"), Text("utf-8")), None),
            [(@"b'\xc3\xa9'", First), ("None", Second)]),
        new("torch.device of no known type", Refuses, "ML3006", Keys(Call("torch", "device", Text("nothing")), None), null),

        // Storages
        new(
            "one empty storage as two types",
            "each tensor has its type",
            null,
            Whole(
                Dict(
                    ("a", Tensor(Storage(key: "2", count: 0), shape: Numbers(0))),
                    ("b", Tensor(Storage("IntStorage", "2", 0), shape: Numbers(0, 3), strides: Numbers(3, 1))))),
            [("a", []), ("b", [])]),
        new(
            "one storage with bytes as two types",
            "each tensor has the first one's type",
            "ML2013",
            Whole(Dict(("a", One), ("b", Tensor(Storage("IntStorage"))))),
            [("a", First), ("b", First)]),
        new(
            "one storage as bytes and without a type, as of x and x.view(torch.uint16)",
            "each tensor has its type",
            null,
            Whole(Dict(("a", OfBytes), ("b", Untyped))),
            [("a", First), ("b", First)]),
        new(
            "one storage without a type and as bytes",
            "each tensor has its type",
            null,
            Whole(Dict(("b", Untyped), ("a", OfBytes))),
            [("a", First), ("b", First)]),
    ];

    private static byte[] OfBytes => Tensor(Storage("ByteStorage", count: 16), shape: Numbers(16));

    private static byte[] Untyped => Call("torch._utils", "_rebuild_tensor_v3",
        Cat(Tuple(Text("storage"), Global("torch.storage", "UntypedStorage"), Text("0"), Text("cpu"), Number(16)), Persistent),
        Number(0), Numbers(8), Numbers(1), False, OrderedDict, Global("torch", "uint16"));

    private static byte[] W(params byte[][] value) => Whole(StateDict(Cat(value), "w"));

    private static ImmutableArray<(string, byte[])> Is(string name, byte[] bytes) => [(name, bytes)];

    private static ImmutableArray<(string, byte[])> Is3(byte[] one, byte[] two, byte[] three) =>
        [("0.w", one), ("1.w", two), ("2.w", three)];

    private static byte[] Parameter(byte[] data) => Call("torch._utils", "_rebuild_parameter", data, False, OrderedDict);

    private static byte[] WithState(byte[] state) => Call("torch._utils", "_rebuild_parameter_with_state", One, False, OrderedDict, state);

    private static byte[] FromType(byte[] state, byte[]? arguments = null) =>
        Call("torch._tensor", "_rebuild_from_type_v2", RebuildV2, Plain, arguments ?? PlainArguments, state);

    private static byte[] Flagged(params (string Name, byte[] Value)[] flags) => Flagged("FloatStorage", flags);

    private static byte[] Flagged(string type, params (string Name, byte[] Value)[] flags) =>
        Call("torch._utils", "_rebuild_tensor_v2", Storage(type), Number(0), Numbers(4), Numbers(1), False, OrderedDict, Dict(flags));

    private static byte[] Copied(string type) =>
        Whole(Tuple(Cat(StateDict(One, "w"), Put), Call("collections", type, Get), Cat(Get, Text("w"), Other, Bytes("s"))));

    private static byte[] Keys(byte[] one, byte[] two) => Whole(EmptyDict, Mark, one, One, two, Other, Bytes("u"));

    private static byte[] Encoded(string text) => Call("_codecs", "encode", Text(text), Text("latin1"));

    private static byte[] Double(double value) => [(byte)'G', .. BitConverter.GetBytes(value).Reverse()];
}
