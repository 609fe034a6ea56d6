using System.Globalization;
using System.Numerics;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Corpus;

/// <summary>Files of the format from before PyTorch 1.6: five pickles, and then the storages one after the other.</summary>
internal static class LegacyCorpus
{
    private static readonly byte[] Magic = Whole(
        Number(BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
    private static readonly byte[] Protocol = Whole(Number(1001));
    private static readonly byte[] System = Whole(Dict(("protocol_version", Number(1001)), ("little_endian", True)));
    private static readonly byte[] Object = Whole(StateDict(Tensor(LegacyStorage())));
    private static readonly byte[] Keys = Whole(List(Text("0")));
    private static readonly byte[] Elements = [.. Eight(4), .. new byte[16]];

    public static IEnumerable<HostileFile> Files =>
        [
            File("a plain pickle", "ML3008", () => Whole(StateDict())),
            File("another magic number", "ML3008", () => Make(magic: Whole(Number(BigInteger.One << 70)))),
            File("a magic number that is text", "ML3008", () => Make(magic: Whole(Text("1950a86a20f9469cfc6c")))),
            File("a magic number made by a call", "ML3008", () => Make(magic: Whole(Call("collections", "OrderedDict")))),
            File("a magic number made by os.system", "ML3010", () => Make(magic: Whole(Call("os", "system", Text("id"))))),
            File("another protocol version", "ML3008", () => Make(protocol: Whole(Number(1002)))),
            File("a protocol version that is text", "ML3008", () => Make(protocol: Whole(Text("1001")))),
            File("big-endian", "ML2011", () => Make(system: Whole(Dict(("little_endian", False))))),
            File("no word on its byte order", "ML2011", () => Make(system: Whole(EmptyDict))),
            File("system facts that are a list", "ML2011", () => Make(system: Whole(EmptyList))),
            File("os.system in the system facts", "ML3010", () =>
                Make(system: Whole(Dict(("little_endian", Call("os", "system", Text("id"))))))),
            File("os.system in the object", "ML3010", () => Make(value: Whole(StateDict(Call("os", "system", Text("id")))))),
            File("os.system in the list of keys", "ML3010", () => Make(keys: Whole(List(Call("os", "system", Text("id")))))),
            File("a whole module", "ML3004", () => Make(value: Whole(Global("torch.nn.modules.linear", "Linear"), EmptyTuple, [0x81]))),
            File("keys that are a dict", "ML3008", () => Make(keys: Whole(EmptyDict))),
            File("keys that are a tuple", "ML3008", () => Make(keys: Whole(Tuple(Text("0"))))),
            File("keys that are numbers", "ML3008", () => Make(keys: Whole(List(Number(0))))),
            File("a key of no storage", "ML3008", () => Make(keys: Whole(List(Text("1"))))),
            File("a key twice", "ML3008", () => Make(keys: Whole(List(Text("0"), Text("0"))))),
            File("no keys", "ML3008", () => Make(keys: Whole(EmptyList))),
            File("no keys and no storages", "ML2012", () => Make(keys: Whole(EmptyList), elements: [])),
            File("another count in the file", "ML2013", () => Make(elements: [.. Eight(3), .. new byte[12]])),
            File("a negative count", "ML2013", () => Make(elements: [.. Eight(ulong.MaxValue), .. new byte[16]])),
            File("a count of 2⁶²", "ML3006", () =>
                Make(value: Whole(StateDict(Tensor(LegacyStorage(BigInteger.One << 62)))), elements: [.. Eight(1UL << 62)])),
            File("a count of 2⁴⁰", "ML1005", () =>
                Make(value: Whole(StateDict(Tensor(LegacyStorage(1L << 40)))), elements: [.. Eight(1UL << 40), .. new byte[16]])),
            File("a storage cut off", "ML1005", () => Make(elements: Elements[..^1])),
            File("a count cut off", "ML1005", () => Make(elements: Elements[..7])),
            File("bytes behind the last storage", "ML3008", () => Make(elements: [.. Elements, 0])),
            File("an archive behind the last storage", "ML3008", () => Make(elements: [.. Elements, .. ZipForge.Torch()])),
            File("nothing behind the magic number", "ML1005", () => Magic),
            File("nothing behind the protocol", "ML1005", () => Cat(Magic, Protocol)),
            File("nothing behind the system facts", "ML1005", () => Cat(Magic, Protocol, System)),
            File("nothing behind the object", "ML1005", () => Cat(Magic, Protocol, System, Object)),
            File("a storage that is a view of another", "ML3006", () =>
                Make(
                    value: Whole(
                        StateDict(
                            Tensor(
                                Cat(
                                    Tuple(
                                        Text("storage"),
                                        Global("torch", "FloatStorage"),
                                        Text("0"),
                                        Text("cpu"),
                                        Number(4),
                                        Tuple(Text("v"), Number(0), Number(4))),
                                    Persistent)))))),
            File("one storage as two types", "ML2013", () =>
                Make(value: Whole(Dict(("a", Tensor(LegacyStorage())), ("b", Tensor(Storage("IntStorage"))))))),
            File("a tensor past its storage", "ML6003", () => Make(value: Whole(StateDict(Tensor(LegacyStorage(), shape: Numbers(5)))))),
            File("a zero-stride bomb", "ML6004", () =>
                Make(value: Whole(StateDict(Tensor(LegacyStorage(), shape: Numbers(1L << 40), strides: Numbers(0)))))),
        ];

    private static byte[] LegacyStorage(BigInteger? count = null) =>
        Cat(Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("cpu"), Number(count ?? 4), None), Persistent);

    /// <summary>Returns a file with a value, a list of storage keys, and the storages.</summary>
    public static byte[] Make(
        byte[]? magic = null,
        byte[]? protocol = null,
        byte[]? system = null,
        byte[]? value = null,
        byte[]? keys = null,
        byte[]? elements = null
    ) => Cat(magic ?? Magic, protocol ?? Protocol, system ?? System, value ?? Object, keys ?? Keys, elements ?? Elements);

    private static HostileFile File(string name, string rule, Func<byte[]> content) =>
        HostileFile.Of(HostileFile.Legacy, name, rule, "x.pth", content);
}
