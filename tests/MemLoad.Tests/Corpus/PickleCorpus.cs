using System.Numerics;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Corpus;

/// <summary>Pickles in sound archives that would run a program, confuse a reader, or grow without a limit.</summary>
internal static class PickleCorpus
{
    // If the program were run, it would create a file of this name in the current folder.
    public const string Trace = "memload-corpus-ran";

    private static readonly byte[] Payload = Text($"touch {Trace}");

    public static IEnumerable<HostileFile> Files =>
        [
            // Programs
            .. Attacks(
                ("os", "system"),
                ("posix", "system"),
                ("nt", "system"),
                ("os", "popen"),
                ("os", "execv"),
                ("os", "remove"),
                ("subprocess", "Popen"),
                ("subprocess", "check_output"),
                ("builtins", "eval"),
                ("builtins", "exec"),
                ("builtins", "compile"),
                ("builtins", "__import__"),
                ("builtins", "getattr"),
                ("builtins", "open"),
                ("builtins", "breakpoint"),
                ("__builtin__", "eval"),
                ("__builtin__", "execfile"),
                ("sys", "exit"),
                ("shutil", "rmtree"),
                ("socket", "socket"),
                ("pip", "main"),
                ("pip._internal", "main"),
                ("runpy", "run_path"),
                ("runpy", "_run_code"),
                ("importlib", "import_module"),
                ("operator", "attrgetter"),
                ("pickle", "loads"),
                ("_pickle", "loads"),
                ("ctypes", "CDLL"),
                ("code", "InteractiveInterpreter"),
                ("webbrowser", "open"),
                ("pty", "spawn"),
                ("asyncio", "create_subprocess_shell"),
                ("pkgutil", "resolve_name"),
                ("timeit", "timeit"),
                ("cProfile", "run"),
                ("pdb", "run"),
                ("doctest", "debug_script"),
                ("ensurepip", "_run_pip"),
                ("requests.api", "get"),
                ("marshal", "loads"),
                ("torch.hub", "load"),
                ("numpy.testing._private.utils", "runstring"),
                ("atexit", "register"),
                ("asyncio.unix_events", "_UnixSubprocessTransport._start")),
            Zip("os.system by STACK_GLOBAL", "ML3010", Cat([0x80, 4], StackGlobal("os", "system"), Tuple(Payload), Reduce, Stop)),
            Zip(
                "os.system by STACK_GLOBAL from the memo",
                "ML3010",
                Cat(
                    [0x80, 4],
                    Text("os"),
                    [0x94],
                    Text("system"),
                    [0x94, (byte)'0', (byte)'0', (byte)'h', 0, (byte)'h', 1, 0x93],
                    Tuple(Payload),
                    Reduce,
                    Stop)),
            Zip("os.system by NEWOBJ", "ML3010", Whole(Global("os", "system"), Tuple(Payload), [0x81])),
            Zip("os.system by INST", "ML3002", Whole(Mark, Payload, Bytes("ios\nsystem\n"))),
            Zip("os.system by OBJ", "ML3010", Whole(Mark, Global("os", "system"), Payload, Bytes("o"))),
            Zip("os.system by NEWOBJ_EX", "ML3010", Cat([0x80, 4], Global("os", "system"), Tuple(Payload), EmptyDict, [0x92], Stop)),
            Zip("os.system named and never called", "ML3010", Whole(Global("os", "system"))),
            Zip("os.system as a dict's key", "ML3010", Whole(EmptyDict, Global("os", "system"), None, Bytes("s"))),
            Zip(
                "os.system and then a sound state dict",
                "ML3010",
                Whole(Global("os", "system"), Tuple(Payload), Reduce, Bytes("0"), StateDict())),
            Zip("os.system and then garbage", "ML3010", Cat([0x80, 2], Global("os", "system"), Tuple(Payload), Reduce, [0xff, 0xff])),
            Zip(
                "os.system behind a sound state dict's STOP",
                "ML3001",
                Cat(Whole(StateDict()), Whole(Global("os", "system"), Tuple(Payload), Reduce))),
            Zip("os.system in the hooks of a tensor", "ML3010", Whole(StateDict(Tensor(hooks: Call("os", "system", Payload))))),
            Zip("os.system in the state of BUILD", "ML3010", Whole(StateDict(), Call("os", "system", Payload), Build)),
            Zip(
                "os.system in a persistent id",
                "ML3010",
                Whole(Tuple(Text("storage"), Global("os", "system"), Text("0"), Text("cpu"), Number(4)), Persistent)),
            Zip("os.system as the factory of a defaultdict", "ML3010", Whole(Call("collections", "defaultdict", Global("os", "system")))),
            Zip("os.system with a space behind it", "ML3003", Whole(StateDict(Global("os ", "system")))),
            Zip("an attribute reached by a dotted name", "ML3003", Whole(StateDict(Global("torch", "serialization.os.system")))),
            Zip("an attribute reached through an allowed name", "ML3003", Whole(StateDict(Global("collections", "OrderedDict.__init__")))),
            Zip("an allowed name in another module", "ML3003", Whole(StateDict(Global("evil", "OrderedDict")))),
            Zip("a torch helper: torch.load", "ML3003", Whole(StateDict(Global("torch", "load")))),
            Zip("a torch helper: torch.storage._load_from_bytes", "ML3003", Whole(StateDict(Global("torch.storage", "_load_from_bytes")))),
            Zip("a torch constant that is none: torch.per_evil", "ML3003", Whole(StateDict(Global("torch", "per_evil")))),
            Zip("functools.partial", "ML3003", Whole(StateDict(Global("functools", "partial")))),
            Zip("copyreg._reconstructor", "ML3003", Whole(StateDict(Global("copyreg", "_reconstructor")))),
            Zip("types.CodeType", "ML3003", Whole(StateDict(Global("types", "CodeType")))),
            Zip("argparse.Namespace", "ML3003", Whole(StateDict(Global("argparse", "Namespace")))),
            Zip("numpy's array constructor", "ML3003", Whole(StateDict(Global("numpy.core.multiarray", "_reconstruct")))),
            Zip("a whole module", "ML3004", Whole(Global("torch.nn.modules.linear", "Linear"), EmptyTuple, [0x81])),
            Zip("a whole object of an unknown class", "ML3004", Whole(Global("mymodel", "Net"), EmptyTuple, [0x81])),
            Zip(
                "a module with its source code",
                "ML3004",
                Whole(StateDict(Cat(Tuple(Text("module"), None, Text("x.py"), Text("import os")), Persistent)))),
            Zip("a sparse tensor", "ML3005", Whole(StateDict(Call("torch._utils", "_rebuild_sparse_tensor")))),
            Zip("a quantized tensor", "ML3005", Whole(StateDict(Call("torch._utils", "_rebuild_qtensor")))),
            Zip("a meta tensor", "ML3005", Whole(StateDict(Call("torch._utils", "_rebuild_meta_tensor_no_storage")))),
            Zip(
                "a storage on the meta device",
                "ML3005",
                Whole(
                    StateDict(Cat(Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("meta"), Number(4)), Persistent)))
            ),
            // Opcodes that no state dict needs
            .. Opcodes(
                ("INT", 'I', "1\n"),
                ("LONG", 'L', "1L\n"),
                ("FLOAT", 'F', "1.0\n"),
                ("STRING", 'S', "'x'\n"),
                ("UNICODE", 'V', "x\n"),
                ("PERSID", 'P', "0\n"),
                ("GET", 'g', "0\n"),
                ("PUT", 'p', "0\n"),
                ("INST", 'i', "builtins\nlist\n"),
                ("OBJ", 'o', ""),
                ("EXT1", '\x82', "\x01"),
                ("EXT2", '\x83', "\x01\0"),
                ("EXT4", '\x84', "\x01\0\0\0"),
                ("NEWOBJ_EX", '\x92', ""),
                ("NEXT_BUFFER", '\x97', ""),
                ("READONLY_BUFFER", '\x98', ""),
                ("no opcode at all: 0x00", '\0', ""),
                ("no opcode at all: 0xff", '\xff', "")),
            Zip("protocol 0", "ML3002", Cat([0x80, 0], StateDict(), Stop)),
            Zip("protocol 1", "ML3002", Cat([0x80, 1], StateDict(), Stop)),
            Zip("protocol 6", "ML3002", Cat([0x80, 6], StateDict(), Stop)),
            Zip("protocol 255", "ML3002", Cat([0x80, 255], StateDict(), Stop)),
            Zip("the protocol in the middle", "ML3001", Cat([0x80, 2], EmptyDict, [0x80, 4], Stop)),
            // Grammar
            Zip("no STOP", "ML1005", Cat([0x80, 2], StateDict())),
            Zip("STOP and nothing before it", "ML3001", Whole()),
            Zip("two values at STOP", "ML3001", Whole(StateDict(), StateDict())),
            Zip("a mark left over", "ML3001", Whole(Mark, StateDict())),
            Zip("POP of nothing", "ML3001", Whole(Bytes("0"))),
            Zip("POP_MARK without a mark", "ML3001", Whole(Bytes("1"))),
            Zip("DUP of nothing", "ML3001", Whole(Bytes("2"))),
            Zip("TUPLE3 of two", "ML3001", Whole(None, None, [0x87])),
            Zip("a tuple that reaches below a mark", "ML3001", Whole(None, Mark, [0x85])),
            Zip("APPEND to a tuple", "ML3001", Whole(EmptyTuple, None, Bytes("a"))),
            Zip("APPENDS to a dict", "ML3001", Whole(EmptyDict, Mark, None, Bytes("e"))),
            Zip("APPEND to a tensor", "ML3001", Whole(Tensor(), None, Bytes("a"))),
            Zip("SETITEM on a list", "ML3001", Whole(EmptyList, None, None, Bytes("s"))),
            Zip("SETITEM on a tensor (CVE-2026-24747)", "ML3001", Whole(Tensor(), Number(0), Number(1), Bytes("s"))),
            Zip("SETITEMS on a storage", "ML3001", Whole(Storage(), Mark, Number(0), Number(1), Bytes("u"))),
            Zip("SETITEMS of a key without value", "ML3001", Whole(EmptyDict, Mark, Text("a"), Bytes("u"))),
            Zip("ADDITEMS to a list", "ML3001", Whole(EmptyList, Mark, None, [0x90])),
            Zip("REDUCE of a string", "ML3001", Whole(Text("os.system"), Tuple(Payload), Reduce)),
            Zip("REDUCE of a dict", "ML3001", Whole(EmptyDict, EmptyTuple, Reduce)),
            Zip("REDUCE of a type", "ML3001", Whole(Global("torch", "Tensor"), EmptyTuple, Reduce)),
            Zip("REDUCE of a storage class", "ML3001", Whole(Global("torch", "FloatStorage"), Tuple(Number(1 << 30)), Reduce)),
            Zip("REDUCE of what a call gave", "ML3001", Whole(OrderedDict, EmptyTuple, Reduce)),
            Zip("arguments that are a list", "ML3001", Whole(Global("collections", "OrderedDict"), EmptyList, Reduce)),
            Zip("BUILD on a list", "ML3001", Whole(EmptyList, EmptyDict, Build)),
            Zip("BUILD on a function", "ML3001", Whole(Global("torch._utils", "_rebuild_tensor_v2"), EmptyDict, Build)),
            Zip("BUILD on a storage", "ML3001", Whole(Storage(), EmptyDict, Build)),
            Zip("STACK_GLOBAL of numbers", "ML3001", Cat([0x80, 4], Number(1), Number(2), [0x93], Stop)),
            Zip("STACK_GLOBAL of one string", "ML3001", Cat([0x80, 4], Text("os"), [0x93], Stop)),
            Zip(
                "STACK_GLOBAL of a name that steers a terminal",
                "ML3004",
                Cat([0x80, 4], StackGlobal("evil\e[2J", "x\r\nML0000: all is well"), Stop)),
            Zip("a global with an endless name", "ML3001", Whole(Bytes("c" + new string('a', 2000) + "\nx\n"))),
            Zip("a global with a control character", "ML3001", Whole(Bytes("cos\u0007\nsystem\n"))),
            Zip("a global that is cut off", "ML1005", Cat([0x80, 2], Bytes("cos\nsys"))),
            // Memo
            Zip("a memo entry that was never set", "ML3001", Whole(Bytes("h\u0007"))),
            Zip("a memo entry of index 2³² − 1 that was never set", "ML3001", Whole([(byte)'j', 255, 255, 255, 255])),
            Zip("BINPUT of nothing", "ML3001", Whole([(byte)'q', 0])),
            Zip(
                "a memo entry set again to another thing",
                "ML3010",
                Whole(
                    Text("a"),
                    [(byte)'q', 0],
                    Bytes("0"),
                    Global("os", "system"),
                    [(byte)'q', 0],
                    Bytes("0"),
                    [(byte)'h', 0],
                    Tuple(Payload),
                    Reduce)),
            Zip("MEMOIZE of nothing", "ML3001", Cat([0x80, 4, 0x94], Stop)),
            // Lengths
            Zip("a string longer than the pickle", "ML1005", Whole(Raw([1, 2, 3], 1000))),
            Zip("a string of 4 GiB", "ML1005", Whole(Raw([], uint.MaxValue))),
            Zip("a string of 2⁶³ bytes", "ML1005", Cat([0x80, 4, 0x8d], Eight(1UL << 63), Stop)),
            Zip("bytes of 2⁶⁴ − 1", "ML1005", Cat([0x80, 4, 0x8e], Eight(ulong.MaxValue), Stop)),
            Zip("a bytearray of 2⁴⁰", "ML1005", Cat([0x80, 5, 0x96], Eight(1UL << 40), Stop)),
            Zip("a frame longer than the pickle", "ML3001", Cat([0x80, 4, 0x95], Eight(1UL << 40), StateDict(), Stop)),
            Zip("an integer of 2 GiB", "ML3001", Whole([0x8b, 255, 255, 255, 127])),
            Zip("an integer of a negative length", "ML3001", Whole([0x8b, 255, 255, 255, 255])),
            Zip("an integer of 64 KiB", "ML3001", Whole([0x8b, 0, 0, 1, 0], new byte[65536])),
            Zip("a string that is not UTF-8", "ML3001", Whole(Raw([0xff, 0xfe]))),
            Zip("half a surrogate pair", "ML3001", Whole(Raw([0xed, 0xa0, 0x80]))),
            // Depth and multiplication
            Zip("lists nested 300 deep", "ML3007", Whole(Repeat(EmptyList, 300), Repeat("a"u8.ToArray(), 299))),
            Zip("tuples nested 100,000 deep", "ML3007", Whole(EmptyTuple, Repeat([0x85], 100_000))),
            Zip(
                "dicts nested 50,000 deep",
                "ML3007",
                Whole(Repeat(Cat(EmptyDict, Text("k")), 50_000), None, Repeat("s"u8.ToArray(), 50_000))),
            Zip("a list that holds itself", "ML3007", Whole(EmptyList, [(byte)'q', 0, (byte)'h', 0, (byte)'a'])),
            Zip("a dict that holds itself", "ML3007", Whole(EmptyDict, [(byte)'q', 0], Text("k"), [(byte)'h', 0, (byte)'s'])),
            Zip("a billion laughs: each tuple holds the one before ten times", "ML1013", Whole(Laughs(12, tuple: true))),
            Zip(
                "a billion laughs in a set",
                "ML1013",
                Whole(
                    Cat(Mark, Laughs(12, tuple: true), [0x91]),
                    Bytes("0"),
                    Repeat(Cat(Bytes("]"), Bytes("0")), 1),
                    Many(Cat(Mark, Laughs(9, tuple: true), [0x91])))),
            Zip("a billion laughs as a key", "ML3001", Whole(EmptyDict, Laughs(12, tuple: true), None, Bytes("s"))),
            Zip(
                "a key of 64 KiB at a hundred depths",
                "ML6014",
                Whole(EmptyDict, [(byte)'q', 0], Text(new string('k', 65536)), [(byte)'q', 1, (byte)'h', 0, (byte)'s'])),
            Zip("a name of 5,000 characters", "ML6014", Whole(StateDict(name: new string('n', 5000)))),
            Zip("ten million marks", "ML1013", Whole(Repeat(Mark, 10_000_000))),
            Zip("a million empty lists", "ML1013", Whole(Mark, Repeat(EmptyList, 1_000_000), Bytes("l"))),
            Zip("ten million Nones on the stack", "ML1013", Whole(Mark, Repeat(None, 10_000_000), Bytes("l"))),
            Zip("calls nested 20,000 deep", "ML3006", Whole(StateDict(NestedCalls(20_000)))),
            // Persistent ids
            .. Ids(
                ("a string", Text("0")),
                ("a number", Number(0)),
                ("nothing", None),
                ("an empty tuple", EmptyTuple),
                ("a list", List(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("cpu"), Number(4))),
                ("another kind", Tuple(Text("file"), Global("torch", "FloatStorage"), Text("/etc/passwd"), Text("cpu"), Number(4))),
                ("no class", Tuple(Text("storage"), Text("FloatStorage"), Text("0"), Text("cpu"), Number(4))),
                ("a class that is no storage", Tuple(Text("storage"), Global("torch", "Tensor"), Text("0"), Text("cpu"), Number(4))),
                ("a key that is a number", Tuple(Text("storage"), Global("torch", "FloatStorage"), Number(0), Text("cpu"), Number(4))),
                ("no count", Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("cpu"))),
                ("a count that is text", Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("cpu"), Text("4"))),
                (
                    "a count that is a fraction",
                    Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("cpu"), Cat("G"u8.ToArray(), new byte[8]))),
                ("a count that is true", Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("cpu"), True)),
                (
                    "a view",
                    Tuple(
                        Text("storage"),
                        Global("torch", "FloatStorage"),
                        Text("0"),
                        Text("cpu"),
                        Number(4),
                        Tuple(Text("v"), Number(0), Number(4)))),
                ("seven parts", Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("cpu"), Number(4), None, None))),
            Odd("a storage of −1 elements", "ML3006", Tensor(Storage(count: -1))),
            Odd("a storage of 2⁶² elements", "ML3006", Tensor(Storage(count: BigInteger.One << 62))),
            Odd("a storage of 2⁶³ − 1 elements", "ML3006", Tensor(Storage(count: long.MaxValue))),
            Odd("a storage of 2⁶⁴ elements", "ML3006", Tensor(Storage(count: BigInteger.One << 64))),
            Odd("a storage of 2⁴⁰ elements", "ML2013", Tensor(Storage(count: 1L << 40))),
            Odd("a storage of another length than its record", "ML2013", Tensor(Storage(count: 3))),
            Odd("a storage whose record is data.pkl's", "ML2012", Tensor(Storage(key: "../data.pkl"))),
            Odd("a storage whose key leaves the archive", "ML2012", Tensor(Storage(key: "../../../etc/passwd"))),
            Odd("a storage with an empty key", "ML2012", Tensor(Storage(key: ""))),
            Zip("one storage as two types", "ML2013", Whole(Dict(("a", Tensor()), ("b", Tensor(Storage("IntStorage")))))),
            Zip("one storage of two lengths", "ML2013", Whole(Dict(("a", Tensor()), ("b", Tensor(Storage(count: 8)))))),
            Zip("a bare storage", "ML3005", Whole(Dict(("a", Storage())))),
            // Arguments of a tensor
            Odd("a storage that is a number", "ML3006", Tensor(Number(0))),
            Odd("a storage that is a tensor", "ML3006", Tensor(Tensor())),
            Odd("an offset that is text", "ML3006", Tensor(offset: Text("0"))),
            Odd("an offset of 2⁷⁰", "ML3006", Tensor(offset: Number(BigInteger.One << 70))),
            Odd("an offset that is nothing", "ML3006", Tensor(offset: None)),
            Odd("a shape that is a number", "ML3006", Tensor(shape: Number(4))),
            Odd("a shape that is a list", "ML3006", Tensor(shape: List(Number(4)))),
            Odd("a shape of text", "ML3006", Tensor(shape: Tuple(Text("4")))),
            Odd("a shape of truths", "ML3006", Tensor(shape: Tuple(True))),
            Odd(
                "a shape of 65 dimensions",
                "ML3006",
                Tensor(shape: Numbers(Enumerable.Repeat(1L, 65)), strides: Numbers(Enumerable.Repeat(1L, 65)))),
            Odd("strides that are a dict", "ML3006", Tensor(strides: EmptyDict)),
            Odd("requires_grad that is text", "ML3006", Tensor(gradient: Text("no"))),
            Odd("hooks that are text", "ML3006", Tensor(hooks: Text("os.system"))),
            Odd("hooks that are a function", "ML3006", Tensor(hooks: Global("torch._utils", "_rebuild_tensor_v2"))),
            Odd("no arguments", "ML3006", Call("torch._utils", "_rebuild_tensor_v2")),
            Odd(
                "one argument too few",
                "ML3006",
                Call("torch._utils", "_rebuild_tensor_v2", Storage(), Number(0), Numbers(4), Numbers(1), False)),
            Odd(
                "two arguments too many",
                "ML3006",
                Call("torch._utils", "_rebuild_tensor_v2", Storage(), Number(0), Numbers(4), Numbers(1), False, OrderedDict, None, None)),
            Odd(
                "flags that are text",
                "ML3006",
                Call("torch._utils", "_rebuild_tensor_v2", Storage(), Number(0), Numbers(4), Numbers(1), False, OrderedDict, Text("conj"))),
            Odd(
                "version 3 without its dtype",
                "ML3006",
                Call("torch._utils", "_rebuild_tensor_v3", Storage(), Number(0), Numbers(4), Numbers(1), False, OrderedDict)),
            Odd(
                "version 3 of a dtype that is a layout",
                "ML3006",
                Call(
                    "torch._utils",
                    "_rebuild_tensor_v3",
                    Storage(),
                    Number(0),
                    Numbers(4),
                    Numbers(1),
                    False,
                    OrderedDict,
                    Global("torch", "strided"))),
            Odd("a parameter of a number", "ML3006", Call("torch._utils", "_rebuild_parameter", Number(1), True, OrderedDict)),
            Odd("a parameter of a list", "ML3006", Call("torch._utils", "_rebuild_parameter", EmptyList, True, OrderedDict)),
            Odd(
                "a subclass built by os.system",
                "ML3010",
                Call("torch._tensor", "_rebuild_from_type_v2", Global("os", "system"), Global("torch", "Tensor"), Tuple(Payload), EmptyDict)
            ),
            Odd(
                "a subclass of a dict",
                "ML3006",
                Call(
                    "torch._tensor",
                    "_rebuild_from_type_v2",
                    Global("torch._utils", "_rebuild_tensor_v2"),
                    Global("collections", "OrderedDict"),
                    EmptyTuple,
                    EmptyDict)),
            Odd("None encoded as bytes", "ML3006", Call("_codecs", "encode", None, Text("latin1"))),
            Odd("a parameter of None", "ML3006", Call("torch._utils", "_rebuild_parameter", None, True, OrderedDict)),
            Odd(
                "version 3 of the dtype None",
                "ML3006",
                Call("torch._utils", "_rebuild_tensor_v3", Storage(), Number(0), Numbers(4), Numbers(1), False, OrderedDict, None)),
            Zip("an OrderedDict of numbers", "ML3006", Whole(Call("collections", "OrderedDict", List(Number(1), Number(2))))),
            Zip("a device with an endless name", "ML3006", Whole(Call("torch", "device", Text(new string('x', 1000))))),
            // Views
            Odd("a negative dimension", "ML6002", Tensor(shape: Numbers(-4))),
            Odd("a negative stride", "ML6002", Tensor(strides: Numbers(-1))),
            Odd("a negative offset", "ML6002", Tensor(offset: Number(-1))),
            Odd("more strides than dimensions", "ML6002", Tensor(strides: Numbers(1, 1))),
            Odd("a size beyond 64 bits", "ML6002", Tensor(shape: Numbers(1L << 40, 1L << 40), strides: Numbers(0, 0))),
            Odd("a span beyond 64 bits", "ML6002", Tensor(shape: Numbers(4, 4), strides: Numbers(1L << 62, 1L << 62))),
            Odd("one element past the storage", "ML6003", Tensor(shape: Numbers(5))),
            Odd("an offset past the storage", "ML6003", Tensor(offset: Number(4), shape: Numbers(1))),
            Odd("a stride past the storage", "ML6003", Tensor(strides: Numbers(2))),
            Odd("an offset of 2⁶²", "ML6002", Tensor(offset: Number(BigInteger.One << 62))),
            Odd("a zero-stride bomb: 2²¹ × 2²¹ over 16 bytes", "ML6004", Tensor(shape: Numbers(1 << 21, 1 << 21), strides: Numbers(0, 0))),
            Odd("a bomb of 1 TiB", "ML6004", Tensor(shape: Numbers(1L << 38), strides: Numbers(0))),
            Zip(
                "two hundred views of 16 MiB over 16 bytes",
                "ML6012",
                Whole(Dict(Enumerable.Range(0, 200).Select(i => ($"v{i}", Tensor(shape: Numbers(1 << 22), strides: Numbers(0))))))),
            // Names
            Zip("two tensors of one dotted name", "ML6001", Whole(Dict(("a", Dict(("b", Tensor()))), ("a.b", Tensor())))),
            Zip(
                "a key that is 1 and one that is '1'",
                "ML6001",
                Whole(EmptyDict, Mark, Number(1), Tensor(), Text("1"), Tensor(), Bytes("u"))),
            Zip("a line break in a name", "ML6013", Whole(StateDict(name: "a\nb"))),
            Zip("an escape sequence in a name", "ML6013", Whole(StateDict(name: "\e]0;owned\a"))),
            Zip("a zero byte in a name", "ML6013", Whole(StateDict(name: "a\0b"))),
            // Constructs that readers interpret in several ways
            .. PickleConstructs
                .All.Where(construct => construct.Rule is not null)
                .Select(construct => HostileFile.Of(HostileFile.Pickle, construct.Name, construct.Rule!, "x.pth", () => construct.File)),
        ];

    private static HostileFile Zip(string name, string rule, byte[] pickle) =>
        HostileFile.Of(HostileFile.Pickle, name, rule, "x.pth", () => ZipForge.Torch(pickle: pickle));

    private static HostileFile Odd(string name, string rule, byte[] tensor) => Zip($"a tensor of {name}", rule, Whole(StateDict(tensor)));

    private static IEnumerable<HostileFile> Attacks(params (string Module, string Name)[] names) =>
        names.Select(name => Zip($"{name.Module}.{name.Name}", "ML3010", Whole(StateDict(Call(name.Module, name.Name, Payload)))));

    private static IEnumerable<HostileFile> Opcodes(params (string Name, char Opcode, string Operand)[] opcodes) =>
        opcodes.Select(opcode => Zip($"opcode {opcode.Name}", "ML3002", Whole(EmptyDict, Mark, Bytes(opcode.Opcode + opcode.Operand))));

    private static IEnumerable<HostileFile> Ids(params (string What, byte[] Id)[] ids) =>
        ids.Select(id => Zip($"a persistent id that is or has {id.What}", "ML3006", Whole(StateDict(Cat(id.Id, Persistent)))));

    // x0 = (None,). Each further tuple holds the previous tuple ten times.
    private static byte[] Laughs(int levels, bool tuple)
    {
        byte[] close = tuple ? Bytes("t") : Bytes("l");
        byte[] value = Cat(None, [0x85]);
        for (byte level = 0; level < levels; level++)
        {
            value = Cat(value, [(byte)'q', level, (byte)'0'], Mark, Repeat([(byte)'h', level], 10), close);
        }
        return value;
    }

    // A list that has the same frozenset many times. Its text would be written each time.
    private static byte[] Many(byte[] frozenset) =>
        Cat(frozenset, [(byte)'q', 200, (byte)'0'], EmptyList, Mark, Repeat([(byte)'h', 200], 30_000), Bytes("e"));

    // _rebuild_from_type_v2(_rebuild_from_type_v2, Tensor, (_rebuild_from_type_v2, Tensor, (…
    private static byte[] NestedCalls(int depth)
    {
        byte[] open = Cat([(byte)'(', (byte)'h', 250, (byte)'h', 251]);
        byte[] close = Cat(EmptyDict, Bytes("t"));
        return Cat(
            Global("torch._tensor", "_rebuild_from_type_v2"),
            [(byte)'q', 250, (byte)'0'],
            Global("torch", "Tensor"),
            [(byte)'q', 251, (byte)'0'],
            [(byte)'h', 250],
            Repeat(open, depth),
            EmptyTuple,
            Repeat(close, depth),
            Reduce);
    }
}
