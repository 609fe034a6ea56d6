using System.Text;

namespace MemLoad.Tests.Corpus;

/// <summary>safetensors files with an incorrect header about itself, its tensors or the following bytes.</summary>
internal static class SafetensorsCorpus
{
    private const string Whole = """{"dtype":"U8","shape":[4],"data_offsets":[0,4]}""";
    private const string Good = $$"""{"a":{{Whole}}}""";

    public static byte[] Sound { get; } = Make(Good, 4);

    public static IEnumerable<HostileFile> Files =>
        [
            File("one byte", "ML1005", [1]),
            File("seven bytes", "ML1005", new byte[7]),
            File("a header of no bytes", "ML4002", new byte[8]),
            File("a header of 2⁶⁴ − 1 bytes", "ML4001", Length(ulong.MaxValue)),
            File("a header of 2⁶³ bytes", "ML4001", Length(1UL << 63)),
            File("a length that wraps around", "ML4001", Length(ulong.MaxValue - 7)),
            File("a header of 100,000,001 bytes", "ML4001", Length(100_000_001)),
            File("a header of 100,000,000 bytes in a small file", "ML1005", Length(100_000_000)),
            File(
                "a header one byte beyond the file",
                "ML1005",
                [.. Length((ulong)Good.Length + 5)[..8], .. Encoding.UTF8.GetBytes(Good), 0, 1, 2, 3]),
            File("a header cut off", "ML1005", Sound[..30]),
            File("data cut off", "ML1005", Sound[..^1]),
            File("no data", "ML1005", Sound[..^4]),
            File("a byte behind the data", "ML4017", [.. Sound, 0]),
            File("an archive behind the data", "ML4017", [.. Sound, .. ZipForge.Torch()]),
            File("data without a tensor", "ML4017", Make("{}", 4)),
            Text("a byte-order mark", "ML4002", "\uFEFF" + Good),
            Text("an array", "ML4002", $"[{Whole}]"),
            Text("null", "ML4002", "null"),
            Text("white space and no brace", "ML4002", " \n\t"),
            Text("an unknown field cut off", "ML4004", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":{"""),
            Text(
                "a name twice in an unknown field",
                "ML4006",
                """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":{"k":1,"k":2}}}"""
            ),
            Text("an unknown field nested 1,000 deep", "ML4004", "{\"a\":{\"x\":" + new string('[', 1000)),
            Bytes("a byte that UTF-8 has not", "ML4003", [.. "{\""u8, 0xff, .. "\":"u8, .. Encoding.UTF8.GetBytes(Whole), .. "}"u8]),
            Bytes("an overlong zero", "ML4003", [.. "{\""u8, 0xc0, 0x80, .. "\":"u8, .. Encoding.UTF8.GetBytes(Whole), .. "}"u8]),
            Bytes("a surrogate in UTF-8", "ML4003", [.. "{\""u8, 0xed, 0xa0, 0x80, .. "\":"u8, .. Encoding.UTF8.GetBytes(Whole), .. "}"u8]),
            Bytes("UTF-16", "ML4004", [.. "{"u8, .. Encoding.Unicode.GetBytes("\"a\":1}")]),
            Named("half a surrogate pair", "ML4003", @"\ud800"),
            Text("an object without its end", "ML4004", Good[..^1]),
            Text("a comment", "ML4004", "{/**/" + Good[1..]),
            Text("a comma too many", "ML4004", Good[..^1] + ",}"),
            Text("single quotes", "ML4004", "{'a':1}"),
            Text("a bare name", "ML4004", "{a:1}"),
            Text("a line break in a name", "ML4004", "{\"a\nb\":" + Whole + "}"),
            Text("NaN", "ML4004", Entry(shape: "[NaN]")),
            Text("a number with a leading zero", "ML4004", Entry(shape: "[04]")),
            Text("a hundred thousand braces", "ML4004", string.Concat(Enumerable.Repeat("{\"a\":", 100_000))),
            Text("arrays nested 100,000 deep", "ML4007", "{\"a\":" + new string('[', 100_000)),
            Text("a second object", "ML4005", Good + Good),
            Text("a zero behind the object", "ML4005", Good + "\0"),
            Text("a script behind the object", "ML4005", Good + "<script>"),
            Text("a tensor twice", "ML4006", $"{{\"a\":{Whole},\"a\":{Whole}}}"),
            Text("a tensor twice, once by an escape", "ML4006", $"{{\"a\":{Whole},\"\\u0061\":{Whole}}}"),
            Text("a dtype twice", "ML4006", """{"a":{"dtype":"U8","dtype":"F32","shape":[4],"data_offsets":[0,4]}}"""),
            Text("a shape twice", "ML4006", """{"a":{"dtype":"U8","shape":[4],"shape":[1],"data_offsets":[0,4]}}"""),
            Text("offsets twice", "ML4006", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"data_offsets":[0,1]}}"""),
            Text("metadata twice", "ML4006", $$"""{"__metadata__":{},"__metadata__":{},"a":{{Whole}}}"""),
            Text("a name in metadata twice", "ML4006", $$"""{"__metadata__":{"k":"1","k":"2"},"a":{{Whole}}}"""),
            Text("a tensor that is null", "ML4007", """{"a":null}"""),
            Text("a tensor that is a number", "ML4007", """{"a":1}"""),
            Text("a tensor that is a list", "ML4007", """{"a":["U8",[4],[0,4]]}"""),
            Text("a dtype that is a number", "ML4007", Entry(dtype: "8")),
            Text("a dtype that is null", "ML4007", Entry(dtype: "null")),
            Text("a shape that is a number", "ML4007", Entry(shape: "4")),
            Text("a shape of text", "ML4007", Entry(shape: "[\"4\"]")),
            Text("a shape of shapes", "ML4007", Entry(shape: "[[4]]")),
            Text("a shape of null", "ML4007", Entry(shape: "[null]")),
            Text("offsets that are an object", "ML4007", Entry(offsets: """{"begin":0,"end":4}""")),
            Text("offsets of text", "ML4007", Entry(offsets: """["0","4"]""")),
            Text("no dtype", "ML4008", """{"a":{"shape":[4],"data_offsets":[0,4]}}"""),
            Text("no shape", "ML4008", """{"a":{"dtype":"U8","data_offsets":[0,4]}}"""),
            Text("no offsets", "ML4008", """{"a":{"dtype":"U8","shape":[4]}}"""),
            Text("an empty tensor entry", "ML4008", """{"a":{}}"""),
            Text("a field of other case", "ML4008", """{"a":{"DType":"U8","shape":[4],"data_offsets":[0,4]}}"""),
            Text("a negative dimension", "ML4009", Entry(shape: "[-4]")),
            Text("a fraction of a dimension", "ML4009", Entry(shape: "[4.0]")),
            Text("a dimension with an exponent", "ML4009", Entry(shape: "[4e0]")),
            Text("a dimension of 2⁶³", "ML4009", Entry(shape: "[9223372036854775808]")),
            Text("a dimension of 2⁶⁴", "ML4009", Entry(shape: "[18446744073709551616]")),
            Text("a dimension of minus zero", "ML4009", Entry(shape: "[-0]")),
            Text("a negative offset", "ML4009", Entry(offsets: "[-4,0]")),
            Text("a fraction of an offset", "ML4009", Entry(offsets: "[0,4.5]")),
            Text("an offset of 2⁶³", "ML4009", Entry(offsets: "[0,9223372036854775808]")),
            Text("an unknown dtype", "ML4010", Entry(dtype: "\"F12\"")),
            Text("a dtype of other case", "ML4010", Entry(dtype: "\"u8\"")),
            Text("an empty dtype", "ML4010", Entry(dtype: "\"\"")),
            Text("a dtype with a space", "ML4010", Entry(dtype: "\"U8 \"")),
            Text("a dtype of half bytes", "ML4010", Entry(dtype: "\"U4\"")),
            Text("half a byte too much", "ML4020", Entry(dtype: "\"F4\"", shape: "[7]")),
            Text("half a byte", "ML4020", Entry(dtype: "\"F4\"", shape: "[]", offsets: "[0,1]")),
            Text("two bits too many", "ML4020", Entry(dtype: "\"F6_E2M3\"", shape: "[5]")),
            Text("six bits in a byte", "ML4020", Entry(dtype: "\"F6_E3M2\"", shape: "[1]", offsets: "[0,1]")),
            Text("four-bit numbers, one a byte", "ML4014", Entry(dtype: "\"F4\"")),
            Text("six-bit numbers beyond 64 bits", "ML4012", Entry(dtype: "\"F6_E2M3\"", shape: "[9223372036854775807,4]")),
            Text("65 dimensions", "ML4011", Entry(shape: $"[{string.Join(',', Enumerable.Repeat(1, 65))}]")),
            Text("a million dimensions", "ML4011", Entry(shape: $"[{string.Join(',', Enumerable.Repeat(1, 1_000_000))}]")),
            Text("a size beyond 64 bits", "ML4012", Entry(shape: "[4294967296,4294967296]")),
            Text("a size in bytes beyond 64 bits", "ML4012", Entry(dtype: "\"F64\"", shape: "[4611686018427387904]")),
            Text("a size that wraps around to 4", "ML4012", Entry(shape: "[4611686018427387905,4]")),
            Text("no numbers in the offsets", "ML4013", Entry(offsets: "[]")),
            Text("one offset", "ML4013", Entry(offsets: "[0]")),
            Text("three offsets", "ML4013", Entry(offsets: "[0,4,8]")),
            Text("offsets the wrong way around", "ML4013", Entry(offsets: "[4,0]")),
            Text("fewer bytes than the shape", "ML4014", Entry(shape: "[5]")),
            Text("more bytes than the shape", "ML4014", Entry(shape: "[3]")),
            Text("bytes of an empty tensor", "ML4014", Entry(shape: "[0]")),
            Text("a scalar of four bytes", "ML4014", Entry(shape: "[]")),
            Text(
                "an empty beside an overflowing dimension",
                "ML4012",
                Entry(shape: "[0,9223372036854775807,9223372036854775807]", offsets: "[0,0]")),
            Text("a hole before the first tensor", "ML4015", Entry(shape: "[2]", offsets: "[2,4]")),
            Text("a hole between tensors", "ML4015", Two((0, 1), (2, 4))),
            Text("two tensors on the same bytes", "ML4016", Two((0, 4), (0, 4))),
            Text("tensors that overlap by a byte", "ML4016", Two((0, 3), (2, 4))),
            Text("a tensor inside another", "ML4016", Two((0, 4), (1, 2))),
            Text("an empty tensor inside another", "ML4016", Two((0, 4), (2, 2))),
            Text("offsets beyond the file", "ML1005", Entry(shape: "[4000000000000]", offsets: "[0,4000000000000]")),
            Text("metadata that is a list", "ML4018", $$"""{"__metadata__":[],"a":{{Whole}}}"""),
            Text("metadata with a number", "ML4018", $$"""{"__metadata__":{"k":1},"a":{{Whole}}}"""),
            Text("metadata with an object", "ML4018", $$"""{"__metadata__":{"k":{} },"a":{{Whole}}}"""),
            Text("a tensor named __metadata__", "ML4018", $$"""{"__metadata__":{{Whole}}}"""),
            Named("a line break", "ML4019", @"a\nb"),
            Named("a zero byte", "ML4019", @"a\u0000b"),
            Named("an escape sequence", "ML4019", @"\u001b[2J"),
            Named("a control character of the upper half", "ML4019", @"a\u0085b"),
        ];

    private static byte[] Make(byte[] header, int data) => [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. new byte[data]];

    private static byte[] Make(string header, int data) => Make(Encoding.UTF8.GetBytes(header), data);

    private static byte[] Length(ulong length) => [.. BitConverter.GetBytes(length), .. new byte[8]];

    private static string Entry(string dtype = "\"U8\"", string shape = "[4]", string offsets = "[0,4]") =>
        $$$"""{"a":{"dtype":{{{dtype}}},"shape":{{{shape}}},"data_offsets":{{{offsets}}}}}""";

    private static string Two((int Begin, int End) a, (int Begin, int End) b) =>
        $$$"""{"a":{"dtype":"U8","shape":[{{{a.End - a.Begin}}}],"data_offsets":[{{{a.Begin}}},{{{a.End}}}]},"b":{"dtype":"U8","shape":[{{{b.End - b.Begin}}}],"data_offsets":[{{{b.Begin}}},{{{b.End}}}]}}""";

    private static HostileFile File(string name, string rule, byte[] content) =>
        HostileFile.Of(HostileFile.Safetensors, name, rule, "x.safetensors", () => content);

    private static HostileFile Text(string name, string rule, string header) => File(name, rule, Make(header, 4));

    private static HostileFile Bytes(string name, string rule, byte[] header) => File(name, rule, Make(header, 4));

    private static HostileFile Named(string what, string rule, string jsonName) =>
        Text($"a tensor name with {what}", rule, $"{{\"{jsonName}\":{Whole}}}");
}
