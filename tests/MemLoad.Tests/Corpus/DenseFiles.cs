using System.Text;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Corpus;

/// <summary>
/// Files of any length with the maximum content for that length. They repeat one construct, which takes the most memory for its bytes. Some
/// of them are sound. Others take little memory, but would take unbounded time, because they refer to a long value many times.
/// </summary>
internal static class DenseFiles
{
    /// <summary>
    /// The functions by construct. A function writes a file of about the given length into a folder, and returns the path to open.
    /// </summary>
    public static IReadOnlyDictionary<string, Func<string, int, string>> All { get; } = Make();

    private static Dictionary<string, Func<string, int, string>> Make()
    {
        var files = new Dictionary<string, Func<string, int, string>>(StringComparer.Ordinal);
        foreach ((string name, byte[] before, Func<int, byte[]> unit) in Units())
        {
            files.Add($"pickle: {name} in a list", (folder, length) =>
                Zip(folder, Filled(Cat([0x80, 2], before, EmptyList, Mark), unit, Bytes("e."), length)));
            files.Add($"pickle: {name} thrown away", (folder, length) =>
                Zip(folder, Filled(Cat([0x80, 2], before), i => [.. unit(i), (byte)'0'], Cat(EmptyDict, Stop), length)));
        }
        foreach ((string name, byte[] before, Func<int, byte[]> unit) in Bare())
        {
            files.Add($"pickle: {name}", (folder, length) => Zip(folder, Filled(Cat([0x80, 2], before), unit, Stop, length)));
        }
        files.Add("pickle: a module of dots", (folder, length) => Zip(folder, Whole(Text(new string('.', length)), Text("x"), [0x93])));
        files.Add("pickle: modules of a thousand dots", (folder, length) =>
            Zip(folder, Filled([0x80, 2], _ => Cat(Text(new string('.', 1000)), Text("x"), [0x93]), Stop, length)));
        files.Add("legacy: empty dicts", (folder, length) =>
            Write(folder, "x.pth", Filled(Cat(LegacyHead, [0x80, 2], EmptyList, Mark), _ => EmptyDict, Bytes("e."), length)));
        foreach ((string name, string before, Func<int, string> unit, string after) in Headers())
        {
            files.Add($"safetensors: {name}", (folder, length) =>
            {
                byte[] header = Filled(Bytes(before), i => Encoding.UTF8.GetBytes((i == 0 ? "" : ",") + unit(i)), Bytes(after), length);
                return Write(folder, "x.safetensors", Cat(Eight((ulong)header.Length), header));
            });
        }
        foreach ((string name, string before, Func<int, string> unit, string after) in Indexes())
        {
            files.Add($"index: {name}", (folder, length) =>
                Write(folder, "x.index.json", Filled(Bytes(before), i => Bytes((i == 0 ? "" : ",") + unit(i)), Bytes(after), length)));
        }
        foreach ((string name, bool areTensors, Func<int, byte[]> unit) in GgufUnits())
        {
            files.Add($"GGUF: {name}", (folder, length) => Write(folder, "x.gguf", Gguf(length, areTensors, unit)));
        }
        files.Add("zip: records of nothing", (folder, length) => Write(folder, "x.pth", Records(length, i => $"a/{i:x5}")));
        files.Add("zip: records with folders in their names", (folder, length) =>
            Write(folder, "x.pth", Records(length, i => $"a/{i:x5}" + string.Concat(Enumerable.Repeat("/a", 1000)))));
        files.Add("zip: records of nothing, the last one listed first", (folder, length) =>
            Write(folder, "x.pth", Records(length, i => $"a/{i:x5}", reversed: true)));
        return files;
    }

    private static IEnumerable<(string Name, bool AreTensors, Func<int, byte[]> Unit)> GgufUnits()
    {
        static byte[] Key(int i, uint type, params byte[] value) => [.. GgufForge.Text($"{i:x5}"), .. Four(type), .. value];
        static byte[] Tensor(int i, params ulong[] dims) =>
            [.. GgufForge.Text($"{i:x5}"), .. Four((uint)dims.Length), .. dims.SelectMany(Eight), .. Four(24), .. Eight(0)];
        yield return ("values of one byte", false, i => Key(i, 0, 1));
        yield return ("texts of nothing", false, i => Key(i, 8, new byte[8]));
        yield return ("texts of a hundred characters", false, i => Key(i, 8, GgufForge.Text(new string('x', 100))));
        yield return ("texts of 64 KiB that are no UTF-8", false, i =>
            Key(i, 8, GgufForge.Text([.. Enumerable.Repeat((byte)0xff, 1 << 16)])));
        yield return ("arrays of nothing", false, i => Key(i, 9, GgufForge.Array(8, 0)));
        yield return ("arrays of texts of nothing", false, i => Key(i, 9, [.. GgufForge.Array(8, 10_000), .. new byte[80_000]]));
        yield return ("scalars", true, i => Tensor(i));
        yield return ("tensors of nothing", true, i => Tensor(i, 0));
        yield return ("tensors of four dimensions, each of another shape", true, i => Tensor(i, 0, (ulong)i, 1, 2));
    }

    private static byte[] Gguf(int length, bool areTensors, Func<int, byte[]> unit)
    {
        using var body = new MemoryStream();
        int count = 0;
        while (body.Length < length)
        {
            body.Write(unit(count++));
        }
        return
        [
            .. "GGUF"u8,
            .. Four(3),
            .. Eight(areTensors ? (ulong)count : 0),
            .. Eight(areTensors ? 0 : (ulong)count),
            .. body.ToArray(),
        ];
    }

    // Multiples of a size of the growing tables of .NET. As keys whose hash is their value, they share one bucket.
    private const uint BucketPrime = 75_431;
    private const int SharedBucket = (int)(uint.MaxValue / BucketPrime);

    private static IEnumerable<(string Name, byte[] Before, Func<int, byte[]> Unit)> Units()
    {
        byte[] memoTensor = Cat(Tensor(), [(byte)'q', 0, (byte)'0']);
        byte[] memoWide = Cat(
            Numbers(Enumerable.Repeat(1L, 64)),
            [(byte)'q', 0, (byte)'0'],
            Storage(),
            [(byte)'q', 1, (byte)'0'],
            Global("torch._utils", "_rebuild_tensor_v2"),
            [(byte)'q', 2, (byte)'0'],
            OrderedDict,
            [(byte)'q', 3, (byte)'0']);
        yield return ("None", [], _ => None);
        yield return ("True", [], _ => True);
        yield return ("small numbers", [], i => [(byte)'K', (byte)i]);
        yield return ("numbers of two bytes", [], i => [(byte)'M', (byte)i, (byte)(i >> 8)]);
        yield return ("numbers of four bytes", [], i => Cat("J"u8.ToArray(), Four((uint)i)));
        yield return ("floats", [], i => Cat("G"u8.ToArray(), Eight((ulong)i)));
        yield return ("long integers of one byte", [], i => [0x8a, 1, (byte)i]);
        yield return ("long integers of two bytes", [], i => [0x8a, 2, (byte)i, (byte)(i >> 8)]);
        yield return ("long integers of nine bytes", [], i => [0x8a, 9, 1, 2, 3, 4, 5, 6, 7, (byte)i, 9]);
        yield return ("long integers of 255 bytes", [], _ => [0x8a, 255, .. Enumerable.Repeat((byte)7, 255)]);
        yield return ("empty lists", [], _ => EmptyList);
        yield return ("empty tuples", [], _ => EmptyTuple);
        yield return ("empty dicts", [], _ => EmptyDict);
        yield return ("empty sets", [], _ => [0x8f]);
        yield return ("tuples of one", [], _ => [(byte)'N', 0x85]);
        yield return ("tuples of nothing behind a mark", [], _ => [(byte)'(', (byte)'t']);
        yield return ("lists of one", [], _ => Cat(EmptyList, None, Bytes("a")));
        yield return ("dicts of one", [], _ => Cat(EmptyDict, None, None, Bytes("s")));
        yield return ("dicts of a number", [], i => Cat(EmptyDict, [(byte)'K', (byte)i], None, Bytes("s")));
        yield return ("strings of nothing", [], _ => [(byte)'U', 0]);
        yield return ("strings of one character", [], i => [(byte)'U', 1, (byte)('a' + (i % 26))]);
        yield return ("strings of three characters", [], i =>
            [(byte)'U', 3, (byte)('a' + (i % 26)), (byte)('a' + (i / 26 % 26)), (byte)'c']);
        yield return ("strings of a thousand characters", [], _ => Text(new string('x', 1000)));
        yield return ("bytes of nothing", [], _ => [(byte)'C', 0]);
        yield return ("bytes of one", [], _ => [(byte)'C', 1, 7]);
        yield return ("bytearrays", [], _ => Cat([0x96], Eight(0)));
        yield return ("names", [], _ => Global("torch", "int8"));
        yield return ("OrderedDicts", Cat(Global("collections", "OrderedDict"), [(byte)'q', 0, (byte)'0']), _ =>
            [(byte)'h', 0, (byte)')', (byte)'R']);
        yield return ("the same tensor", memoTensor, _ => [(byte)'h', 0]);
        yield return ("the same empty list", Cat(EmptyList, [(byte)'q', 0, (byte)'0']), _ => [(byte)'h', 0]);
        yield return ("the same long list", Cat(EmptyList, Mark, Repeat(None, 900), Bytes("e"), [(byte)'q', 0, (byte)'0']), _ =>
            [(byte)'h', 0]);
        yield return ("the same set", Cat([0x8f], Mark, Repeat(Text(new string('s', 50)), 100), [0x90, (byte)'q', 0, (byte)'0']), _ =>
            [(byte)'h', 0]);
        yield return (
            "the same dict of long keys",
            Cat(Dict(Enumerable.Range(0, 100).Select(i => ($"{i}{new string('k', 4000)}", None))), [(byte)'q', 0, (byte)'0']),
            _ => [(byte)'h', 0]);
        yield return (
            "storages",
            Cat(Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("cpu"), Number(4)), [(byte)'q', 0, (byte)'0']),
            _ => [(byte)'h', 0, (byte)'Q']);
        yield return ("tensors of 64 dimensions", memoWide, _ =>
            [(byte)'h', 2, (byte)'(', (byte)'h', 1, (byte)'K', 0, (byte)'h', 0, (byte)'h', 0, 0x89, (byte)'h', 3, (byte)'t', (byte)'R']);
        yield return (
            "tensors by one tuple",
            Cat(
                Global("torch._utils", "_rebuild_tensor_v2"),
                [(byte)'q', 0, (byte)'0'],
                Tuple(Storage(), Number(0), Numbers(4), Numbers(1), False, OrderedDict),
                [(byte)'q', 1, (byte)'0']),
            _ => [(byte)'h', 0, (byte)'h', 1, (byte)'R']);
        yield return (
            "devices",
            Cat(Global("torch", "device"), [(byte)'q', 0, (byte)'0'], Tuple(Text("cpu")), [(byte)'q', 1, (byte)'0']),
            _ => [(byte)'h', 0, (byte)'h', 1, (byte)'R']);
        yield return (
            "sizes",
            Cat(Global("torch", "Size"), [(byte)'q', 0, (byte)'0'], Tuple(Numbers(1, 2)), [(byte)'q', 1, (byte)'0']),
            _ => [(byte)'h', 0, (byte)'h', 1, (byte)'R']);
        yield return (
            "OrderedDicts of one long list of pairs",
            Cat(
                Global("collections", "OrderedDict"),
                [(byte)'q', 0, (byte)'0'],
                Tuple(List(Enumerable.Range(0, 500).Select(i => List(Number(i), None)))),
                [(byte)'q', 1, (byte)'0']),
            _ => [(byte)'h', 0, (byte)'h', 1, (byte)'R']);
        yield return (
            "the same list of a hundred thousand",
            Cat(EmptyList, Mark, Repeat(None, 100_000), Bytes("e"), [(byte)'q', 0, (byte)'0']),
            _ => [(byte)'h', 0]);
        yield return (
            "storages by one long key",
            Cat(
                Tuple(Text("storage"), Global("torch", "FloatStorage"), Text(new string('k', 200_000)), Text("cpu"), Number(4)),
                [(byte)'q', 0, (byte)'0']),
            _ => [(byte)'h', 0, (byte)'Q']);
        yield return (
            "OrderedDicts of a hundred thousand pairs that are one",
            Cat(
                Global("collections", "OrderedDict"),
                [(byte)'q', 0, (byte)'0'],
                List(Text("k"), None),
                [(byte)'q', 2, (byte)'0'],
                EmptyList,
                Mark,
                Repeat([(byte)'h', 2], 100_000),
                Bytes("e"),
                [0x85, (byte)'q', 1, (byte)'0']),
            _ => [(byte)'h', 0, (byte)'h', 1, (byte)'R']);
        yield return (
            "sets of one list of a hundred thousand",
            Cat(
                Global("builtins", "set"),
                [(byte)'q', 0, (byte)'0'],
                EmptyList,
                Mark,
                Repeat(None, 100_000),
                Bytes("e"),
                [0x85, (byte)'q', 1, (byte)'0']),
            _ => [(byte)'h', 0, (byte)'h', 1, (byte)'R']);
        yield return (
            "integers of a thousand bytes as keys",
            Cat([0x8b], Four(1000), Enumerable.Repeat((byte)7, 1000).ToArray(), [(byte)'q', 0, (byte)'0']),
            _ => Cat(EmptyDict, [(byte)'h', 0], None, Bytes("s")));
        yield return (
            "complex numbers",
            Cat(
                Global("builtins", "complex"),
                [(byte)'q', 0, (byte)'0'],
                Tuple(Cat("G"u8.ToArray(), Eight(1)), Cat("G"u8.ToArray(), Eight(2))),
                [(byte)'q', 1, (byte)'0']),
            _ => [(byte)'h', 0, (byte)'h', 1, (byte)'R']);
    }

    private static IEnumerable<(string Name, byte[] Before, Func<int, byte[]> Unit)> Bare()
    {
        yield return ("marks", [], _ => Mark);
        yield return ("values kept by number", None, _ => [0x94]);
        yield return ("values kept by large numbers", None, i => Cat("r"u8.ToArray(), Four(unchecked((uint)i * 2654435761u))));
        yield return ("values kept by numbers that share a bucket", None, i =>
            i < SharedBucket
                ? Cat("r"u8.ToArray(), Four((uint)i * BucketPrime))
                : Cat("j"u8.ToArray(), Four((uint)(i * 7919L % SharedBucket) * BucketPrime), Bytes("0")));
        yield return ("entries of a dict by one long name", Cat(EmptyDict, Text(new string('k', 200_000)), [(byte)'q', 0, (byte)'0']), _ =>
            [(byte)'h', 0, (byte)'N', (byte)'s']);
        yield return ("the same value again", None, _ => "2"u8.ToArray());
        yield return ("tuples in one another", None, _ => [0x85]);
        yield return ("lists in one another", [], _ => EmptyList);
        yield return ("entries of a dict", EmptyDict, i => Cat("J"u8.ToArray(), Four((uint)i), None, Bytes("s")));
        yield return ("entries of a dict by short names", EmptyDict, i => Cat([(byte)'U', 4], Bytes($"{i & 0xffff:x4}"), None, Bytes("s")));
        yield return ("entries of a dict by tuples", EmptyDict, i => Cat("J"u8.ToArray(), Four((uint)i), [0x85], None, Bytes("s")));
        yield return ("items appended one by one", EmptyList, _ => Bytes("Na"));
        yield return ("tensors of their own", EmptyDict, i => Cat([(byte)'U', 5], Bytes($"{i:x5}"), Tensor(), Bytes("s")));
        yield return ("dicts of a long name in one another", Cat(Text(new string('k', 2000)), [(byte)'q', 0, (byte)'0'], EmptyDict), i =>
            Cat(
                [(byte)'U', 5],
                Bytes($"{i:x5}"),
                EmptyDict,
                [(byte)'h', 0],
                Dict(("a", None), ("b", None), ("c", None)),
                Bytes("s"),
                Bytes("s")));
    }

    private static IEnumerable<(string Name, string Before, Func<int, string> Unit, string After)> Headers()
    {
        yield return ("empty tensors", "{", i => $$"""
            "{{i:x}}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}
            """, "}");
        yield return ("empty tensors of their own shapes", "{", i => $$"""
            "{{i:x}}":{"dtype":"U8","shape":[0,{{i}}],"data_offsets":[0,0]}
            """, "}");
        yield return ("empty tensors of 64 dimensions", "{", i => $$"""
            "{{i:x}}":{"dtype":"U8","shape":[{{i}}{{string.Concat(Enumerable.Repeat(",0", 63))}}],"data_offsets":[0,0]}
            """, "}");
        yield return ("types written as escapes", "{", i => $$"""
            "{{i:x}}":{"dtype":"\u00558","shape":[0],"data_offsets":[0,0]}
            """, "}");
        yield return ("metadata", """{"__metadata__":{""", i => $"\"{i:x}\":\"\"", "}}");
        yield return ("metadata with values", """{"__metadata__":{""", i => $"\"{i:x}\":\"{i:x}\"", "}}");
        yield return ("braces", """{"__metadata__":{""", i => $"\"{i:x}{new string('{', 1000)}\":\"\"", "}}");
        yield return (
            "long names",
            "{",
            i =>
                $$"""
                    "{{i:x}}{{new string('n', 4000)}}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}
                    """,
            "}");
        yield return (
            "names of escapes",
            """{"__metadata__":{""",
            i => $"\"{i:x}{string.Concat(Enumerable.Repeat("\\n", 100))}\":\"\"",
            "}}");
    }

    private static IEnumerable<(string Name, string Before, Func<int, string> Unit, string After)> Indexes()
    {
        yield return ("tensors of one shard", """{"weight_map":{""", i => $"\"{i:x}\":\"s\"", "}}");
        yield return ("tensors of shards of their own", """{"weight_map":{""", i => $"\"{i:x}\":\"{i:x}\"", "}}");
        yield return ("metadata", """{"metadata":{""", i => $"\"{i:x}\":1", "}}");
        yield return ("metadata below a long name", $$$"""{"metadata":{"{{{new string('n', 100_000)}}}":{""", i => $"\"{i:x}\":1", "}}}");
        yield return ("empty objects", """{"metadata":{"a":[""", _ => "{}", "]}}");
        yield return ("empty objects that nobody asked for", """{"other":[""", _ => "{}", "]}");
        yield return ("numbers that nobody asked for", """{"other":[""", _ => "1", "]}");
        yield return ("names that nobody asked for", """{"other":{""", i => $"\"{i:x}\":1", "}}");
    }

    private static readonly byte[] LegacyHead = Cat(
        [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'],
        [0x80, 2, (byte)'M', 0xe9, 0x03, (byte)'.'],
        Whole(Dict(("protocol_version", Number(1001)), ("little_endian", True))));

    private static byte[] Filled(byte[] before, Func<int, byte[]> unit, byte[] after, int length)
    {
        using var bytes = new MemoryStream(length + 65536);
        bytes.Write(before);
        for (int i = 0; bytes.Length + after.Length < length; i++)
        {
            bytes.Write(unit(i));
        }
        bytes.Write(after);
        return bytes.ToArray();
    }

    private static byte[] Records(int length, Func<int, string> name, bool reversed = false)
    {
        var zip = new ZipForge();
        for (int i = 0, bytes = 0; bytes < length; i++)
        {
            bytes += 76 + (2 * zip.Add(name(i), []).Name.Length);
        }
        ushort count = (ushort)Math.Min(zip.Records.Count, ushort.MaxValue);
        zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at);
        zip.Count = count;
        zip.Reversed = reversed;
        return zip.Bytes();
    }

    private static string Zip(string folder, byte[] pickle) => Write(folder, "x.pth", ZipForge.Torch(pickle: pickle));

    private static string Write(string folder, string name, byte[] content)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
