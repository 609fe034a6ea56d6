using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using static MemLoad.Tests.Checkpoints.CheckpointKit;

namespace MemLoad.Tests.Checkpoints;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Write(byte[] content) => _folder.Write("x.safetensors", content);

    // One U8 tensor of 4 bytes, with one part of its entry replaced.
    private static byte[] Entry(string entry, int dataBytes = 4) => Safetensors($"{{\"a\":{entry}}}", dataBytes);

    private static byte[] Shape(string shape, string dtype = "U8", int bytes = 4) =>
        Entry($"{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[0,{bytes}]}}", bytes);

    private static byte[] Offsets(string offsets, int dataBytes = 4) =>
        Entry($"{{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":{offsets}}}", dataBytes);

    private static byte[] Length(ulong length, int rest = 0)
    {
        byte[] file = new byte[8 + rest];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        return file;
    }

    private static byte[] Named(string jsonName) => Safetensors($"{{\"{jsonName}\":{Whole}}}", 4);

    private static byte[] InText(params byte[] raw) =>
        Safetensors([.. "{\""u8, .. raw, .. "\":"u8, .. Encoding.UTF8.GetBytes(Whole), .. "}"u8], 4);

    private static byte[] Two((int Begin, int End) a, (int Begin, int End) b, int dataBytes) => Safetensors(
        $"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{a.End - a.Begin}],\"data_offsets\":[{a.Begin},{a.End}]}}," +
        $"\"b\":{{\"dtype\":\"U8\",\"shape\":[{b.End - b.Begin}],\"data_offsets\":[{b.Begin},{b.End}]}}}}", dataBytes);

    private const string Whole = """{"dtype":"U8","shape":[4],"data_offsets":[0,4]}""";
    private const string Good = $$"""{"a":{{Whole}}}""";

    private static readonly (string What, string Rule, byte[] File)[] MalformedFiles =
    [
        ("no byte at all", "ML1003", []),
        ("one byte", "ML1005", [1]),
        ("seven bytes", "ML1005", new byte[7]),
        ("a length of 0", "ML4002", Length(0)),
        ("a length of 0 and data", "ML4002", Length(0, 4)),
        ("the largest length", "ML4001", Length(ulong.MaxValue, 8)),
        ("a negative length", "ML4001", Length(1UL << 63, 8)),
        ("a length that wraps around with the 8 before it", "ML4001", Length(ulong.MaxValue - 7, 8)),
        ("a length one above the limit", "ML4001", Length(100_000_001, 8)),
        ("a length at the limit in a small file", "ML1005", Length(100_000_000, 8)),
        ("a length one byte beyond the file", "ML1005", [.. Length((ulong)Good.Length + 5), .. Encoding.UTF8.GetBytes(Good), 0, 1, 2, 3]),

        ("a byte-order mark", "ML4002", Safetensors("\uFEFF" + Good, 4)),
        ("an array", "ML4002", Safetensors($"[{Whole}]", 4)),

        ("a byte that UTF-8 has not", "ML4003", InText(0xFF)),
        ("an overlong zero", "ML4003", InText(0xC0, 0x80)),
        ("a surrogate in UTF-8", "ML4003", InText(0xED, 0xA0, 0x80)),
        ("a character cut short", "ML4003", InText(0xE2, 0x82)),
        ("half a surrogate pair in a name", "ML4003", Named(@"\ud800")),
        ("the other half in a name", "ML4003", Named(@"\udc00x")),
        ("half a surrogate pair in metadata", "ML4003", Safetensors("""{"__metadata__":{"k":"\ud83d"}}""")),
        ("half a surrogate pair in a dtype", "ML4003", Shape("[4]", @"\ud800")),

        ("an open brace", "ML4004", Safetensors("{")),
        ("an object without its end", "ML4004", Safetensors(Good[..^1], 4)),
        ("a comment", "ML4004", Safetensors("{/**/" + Good[1..], 4)),
        ("a comma too many after a tensor", "ML4004", Safetensors(Good[..^1] + ",}", 4)),
        ("a comma too many in a shape", "ML4004", Shape("[4,]")),
        ("a comma missing", "ML4004", Shape("[2 2]")),
        ("single quotes", "ML4004", Safetensors("{'a':1}")),
        ("a bare name", "ML4004", Safetensors("{a:1}")),
        ("NaN", "ML4004", Shape("[NaN]")),
        ("Infinity", "ML4004", Shape("[Infinity]")),
        ("a leading zero", "ML4004", Shape("[04]")),
        ("a plus sign", "ML4004", Shape("[+4]")),
        ("a hexadecimal number", "ML4004", Shape("[0x4]")),
        ("a raw tab in a name", "ML4004", InText(9)),
        ("a raw zero in a name", "ML4004", InText(0)),
        ("a text without its end", "ML4004", Safetensors("""{"a""")),
        ("an unknown escape", "ML4004", Named(@"\x41")),

        ("zeros after the header's JSON", "ML4005", Safetensors(Good + "\0\0", 4)),
        ("a second object after it", "ML4005", Safetensors(Good + "{}", 4)),
        ("spaces and then a letter", "ML4005", Safetensors(Good + "   x", 4)),

        ("a tensor twice", "ML4006", Safetensors($$"""{"a":{{Whole}},"a":{{Whole}}}""", 4)),
        ("a tensor twice, once escaped", "ML4006", Safetensors($$"""{"a":{{Whole}},"\u0061":{{Whole}}}""", 4)),
        ("a field twice", "ML4006", Entry("""{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}""")),
        ("__metadata__ twice", "ML4006", Safetensors("""{"__metadata__":{},"__metadata__":{}}""")),
        ("a name twice in __metadata__", "ML4006", Safetensors("""{"__metadata__":{"k":"v","k":"v"}}""")),

        ("a number for a tensor", "ML4007", Entry("1")),
        ("null for a tensor", "ML4007", Entry("null")),
        ("a text for a tensor", "ML4007", Entry("\"U8\"")),
        ("an array for a tensor", "ML4007", Entry("[]")),
        ("arrays without end for a tensor", "ML4007", Entry(new string('[', 100_000))),
        ("a number for a dtype", "ML4007", Entry("""{"dtype":8,"shape":[4],"data_offsets":[0,4]}""")),
        ("null for a dtype", "ML4007", Entry("""{"dtype":null,"shape":[4],"data_offsets":[0,4]}""")),
        ("a number for a shape", "ML4007", Shape("4")),
        ("null for a shape", "ML4007", Shape("null")),
        ("an object for a shape", "ML4007", Shape("{}")),
        ("a shape in a shape", "ML4007", Shape("[[4]]")),
        ("a text for a dimension", "ML4007", Shape("[\"4\"]")),
        ("a boolean for a dimension", "ML4007", Shape("[true]")),
        ("an object for data_offsets", "ML4007", Offsets("""{"begin":0,"end":4}""")),
        ("a text for an offset", "ML4007", Offsets("[\"0\",4]")),
        ("null for an offset", "ML4007", Offsets("[0,null]")),

        ("a field in capitals", "ML4008", Entry("""{"DTYPE":"U8","shape":[4],"data_offsets":[0,4]}""")),
        ("objects without end for a tensor", "ML4004", Entry(string.Concat(Enumerable.Repeat("{\"a\":", 100_000)))),
        ("no dtype", "ML4008", Entry("""{"shape":[4],"data_offsets":[0,4]}""")),
        ("no shape", "ML4008", Entry("""{"dtype":"U8","data_offsets":[0,4]}""")),
        ("no data_offsets", "ML4008", Entry("""{"dtype":"U8","shape":[4]}""")),
        ("no field", "ML4008", Entry("{}")),

        ("a negative dimension", "ML4009", Shape("[-4]")),
        ("a negative zero", "ML4009", Shape("[-0]")),
        ("a dimension with a fraction", "ML4009", Shape("[4.0]")),
        ("a dimension with an exponent", "ML4009", Shape("[4e0]")),
        ("a dimension of 2^63", "ML4009", Shape("[9223372036854775808]")),
        ("a dimension of 2^64", "ML4009", Shape("[18446744073709551616]")),
        ("a dimension of many digits", "ML4009", Shape($"[{new string('9', 10_000)}]")),
        ("a negative offset", "ML4009", Offsets("[-4,0]")),
        ("an offset with a fraction", "ML4009", Offsets("[0,4.5]")),
        ("an offset of 2^64", "ML4009", Offsets("[0,18446744073709551616]")),

        ("a dtype of half bytes", "ML4010", Shape("[8]", "U4")),
        ("PyTorch's name of a dtype", "ML4010", Shape("[1]", "float32")),
        ("a dtype in small letters", "ML4010", Shape("[4]", "u8")),
        ("an empty dtype", "ML4010", Shape("[4]", "")),
        ("a dtype with a zero after it", "ML4010", Shape("[4]", @"U8\u0000")),

        ("65 dimensions", "ML4011", Shape($"[4{string.Concat(Enumerable.Repeat(",1", 64))}]")),

        ("a product beyond 64 bits", "ML4012", Shape("[4294967296,4294967296]")),
        ("a product that wraps around to the right size", "ML4012", Shape("[4611686018427387905,4]")),
        ("a size in bytes beyond 64 bits", "ML4012", Shape("[2305843009213693952]", "F64")),
        ("a zero that hides an overflow", "ML4012", Shape("[4294967296,4294967296,0]", bytes: 0)),

        ("no offsets", "ML4013", Offsets("[]")),
        ("one offset", "ML4013", Offsets("[0]")),
        ("three offsets", "ML4013", Offsets("[0,4,4]")),
        ("an end before the begin", "ML4013", Offsets("[4,0]")),

        ("a shape too small", "ML4014", Shape("[3]")),
        ("a shape too large", "ML4014", Shape("[5]")),
        ("a scalar of many bytes", "ML4014", Shape("[]")),
        ("an empty tensor with bytes", "ML4014", Shape("[0]")),
        ("a tensor without its bytes", "ML4014", Shape("[4]", bytes: 0)),

        ("bytes before the first tensor", "ML4015", Offsets("[1,5]", 5)),
        ("bytes between tensors", "ML4015", Two((0, 2), (3, 5), 5)),
        ("an empty tensor far away", "ML4015", Two((0, 4), (9, 9), 4)),
        ("an empty tensor at the end of 64 bits", "ML4015",
            Entry("""{"dtype":"U8","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}""", 0)),

        ("tensors that overlap by a byte", "ML4016", Two((0, 3), (2, 5), 5)),
        ("tensors in the same bytes", "ML4016", Two((0, 4), (0, 4), 4)),
        ("a tensor inside another", "ML4016", Two((0, 4), (1, 3), 4)),
        ("an empty tensor inside another", "ML4016", Two((0, 4), (2, 2), 4)),

        ("a byte after the last tensor", "ML4017", Safetensors(Good, 5)),
        ("a byte after a file without tensors", "ML4017", Safetensors("{}", 1)),

        ("data short of a byte", "ML1005", Safetensors(Good, 3)),
        ("no data", "ML1005", Safetensors(Good, 0)),
        ("a tensor of 2^63 - 1 bytes that are not there", "ML1005",
            Entry("""{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}""")),

        ("an array for __metadata__", "ML4018", Safetensors("""{"__metadata__":[]}""")),
        ("a number in __metadata__", "ML4018", Safetensors("""{"__metadata__":{"step":1}}""")),
        ("null in __metadata__", "ML4018", Safetensors("""{"__metadata__":{"step":null}}""")),
        ("an object in __metadata__", "ML4018", Safetensors("""{"__metadata__":{"step":{}}}""")),
        ("a tensor called __metadata__", "ML4018", Safetensors($$"""{"__metadata__":{{Whole}}}""", 4)),

        ("a line break in a name", "ML4019", Named(@"a\nb")),
        ("a carriage return in a name", "ML4019", Named(@"a\rb")),
        ("a zero in a name", "ML4019", Named(@"a\u0000")),
        ("an escape of a terminal in a name", "ML4019", Named(@"\u001b[2J")),
        ("a delete in a name", "ML4019", Named(@"\u007f")),
        ("a control character above ASCII in a name", "ML4019", Named(@"\u0085")),
    ];

    public static TheoryData<string, string> Malformed => Kinds(MalformedFiles.Select(file => (file.What, file.Rule)));

    private static TheoryData<string, string> Kinds(IEnumerable<(string, string)> kinds)
    {
        var data = new TheoryData<string, string>();
        foreach ((string what, string rule) in kinds)
        {
            data.Add(what, rule);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_malformed_file_is_refused_by_the_rule_it_breaks(string what, string rule)
    {
        string path = Write(MalformedFiles.Single(file => file.What == what).File);

        Assert.Equal(rule, Refusal(path).Rule.Id);
    }

    [Theory]
    [InlineData("""{"a":1}""", "ML4007", "1}")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"X1","shape":[0],"data_offsets":[4,4]}}""",
        "ML4010",
        "\"X1\"")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[5,6]}}""", "ML4015", "\"b\"")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}""", "ML4016", "\"b\"")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[4,6]}}""", "ML4014", "\"b\"")]
    [InlineData("{\"a\":\n\n {x}}", "ML4004", "x}")]
    [InlineData("""{"é":{"dtype":"U8","shape":[-1],"data_offsets":[0,4]}}""", "ML4009", "-1")]
    [InlineData("""{} x""", "ML4005", "x")]
    public void The_refusal_states_the_byte_of_the_file(string header, string rule, string at)
    {
        int inHeader = Encoding.UTF8.GetByteCount(header[..header.IndexOf(at, StringComparison.Ordinal)]);

        MemLoadException refusal = Refusal(Write(Safetensors(header, 4)));

        Assert.Equal((rule, 8L + inHeader), (refusal.Rule.Id, refusal.Offset));
    }

    [Fact]
    public void The_refusal_states_the_byte_of_an_invalid_encoding()
    {
        MemLoadException refusal = Refusal(Write(InText((byte)'a', (byte)'b', 0xFF, (byte)'c')));

        Assert.Equal(("ML4003", 8L + "{\"ab".Length), (refusal.Rule.Id, refusal.Offset));
    }

    [Fact]
    public void A_file_cut_at_any_byte_is_refused_with_the_missing_bytes_if_the_header_states_them()
    {
        byte[] whole = File.ReadAllBytes(Fixtures.PathOf("dtypes/all.safetensors"));
        int dataStart = 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(whole);
        for (int length = whole.Length - 1; length >= 0; length--)
        {
            MemLoadException refusal = Refusal(Write(whole[..length]));

            Assert.Equal(length == 0 ? "ML1003" : "ML1005", refusal.Rule.Id);
            int promised = length >= dataStart ? whole.Length : length >= 8 ? dataStart : 8;
            if (length > 0)
            {
                Assert.StartsWith(
                    string.Create(CultureInfo.InvariantCulture, $"{promised - length} "), refusal.Finding, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_header_with_wrong_bytes_breaks_a_rule_or_describes_exactly_the_bytes_of_the_file(int seed)
    {
        const string likely = "{}[],:\"\\0123456789-.eE \nUFIB";
        var random = new Random(seed);
        byte[] whole = File.ReadAllBytes(Fixtures.PathOf("dtypes/all.safetensors"));
        int dataStart = 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(whole);
        int refused = 0;
        for (int round = 0; round < 1500; round++)
        {
            byte[] mutated = [.. whole];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                mutated[random.Next(dataStart)] = random.Next(4) > 0 ? (byte)likely[random.Next(likely.Length)] : (byte)random.Next(256);
            }
            string path = Write(mutated);
            try
            {
                var checkpoint = Checkpoint.Open(path);
                long end = 8 + (long)BinaryPrimitives.ReadUInt64LittleEndian(mutated);
                foreach (Extent extent in checkpoint.Storages.OrderBy(extent => extent.Offset).ThenBy(extent => extent.Length))
                {
                    Assert.Equal(end, extent.Offset);
                    end += extent.Length;
                }
                Assert.Equal(mutated.Length, end);
            }
            catch (MemLoadException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 1, 1499);
    }

    [Theory]
    [InlineData("{}", 0, "")]
    [InlineData("{}      ", 0, "")]
    [InlineData("""{"__metadata__":{}}""", 0, "")]
    [InlineData("{ \"a\" :\n\t{ \"data_offsets\" : [ 0 , 4 ] ,\r\n \"shape\" : [ 4 ] , \"dtype\" : \"U8\" } }  ", 4, "a U8 (4) at 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""", 4, "a F32 () at 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}}""", 0, "a F32 (3,0) at 0")]
    [InlineData(
        """{"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""",
        4, "b U8 (1) at 3, a U8 (3) at 0")]
    [InlineData(
        """{"c":{"dtype":"I64","shape":[0],"data_offsets":[1,1]},"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}""",
        1, "c I64 (0) at 1, a BOOL (1) at 0")]
    [InlineData("""{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, " U8 (1) at 0")]
    [InlineData("""{"\u00e9 \"\\ \ud83d\ude00":{"dtype":"\u00558","shape":[1],"data_offsets":[0,1]}}""", 1, "é \"\\ 😀 U8 (1) at 0")]
    [InlineData("""{"a\tb":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "a\tb U8 (1) at 0")]
    [InlineData("""{"../a/b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "../a/b U8 (1) at 0")]
    public void Files_that_the_format_allows_are_read(string header, int dataBytes, string expected)
    {
        var checkpoint = Checkpoint.Open(Write(Safetensors(header, dataBytes)));

        Assert.Equal(expected, string.Join(", ", checkpoint.Tensors.Select(Describe)));

        string Describe(TensorEntry tensor)
        {
            long at = checkpoint.Storages[tensor.Storage].Offset - 8 - Encoding.UTF8.GetByteCount(header);
            return $"{tensor.Name} {tensor.DType.SafetensorsName()} ({string.Join(',', tensor.Shape)}) at {at}";
        }
    }

    // 0x0280 to 0x0580: little-endian, these lengths begin like pickles of the protocols 2 to 5.
    [Theory]
    [InlineData(0x0280)]
    [InlineData(0x0380)]
    [InlineData(0x0480)]
    [InlineData(0x0580)]
    public void A_header_whose_length_reads_like_a_pickle_is_still_safetensors(int length)
    {
        var checkpoint = Checkpoint.Open(Write(Safetensors(Good.PadRight(length), 4)));

        Assert.Equal((CheckpointFormat.Safetensors, "a"), (checkpoint.Format, checkpoint.Tensors.Single().Name));
    }

    [Fact]
    public void Metadata_is_reported_as_written()
    {
        var checkpoint = Checkpoint.Open(Write(Safetensors("""{"__metadata__":{"format":"pt","json":"{\"a\":\n1}","":""}}""")));

        Assert.Equal([("", ""), ("format", "pt"), ("json", "{\"a\":\n1}")],
            checkpoint.Metadata.Select(item => (item.Key, (string)item.Value!)).Order());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Any_sound_file_is_read_tensor_for_tensor_in_the_order_of_its_header(int seed)
    {
        var random = new Random(seed);
        DType[] dtypes = [.. Enum.GetValues<DType>().Where(dtype => dtype.SafetensorsName() is not null)];
        for (int round = 0; round < 40; round++)
        {
            var tensors = Enumerable
                .Range(0, random.Next(1, 30))
                .Select(i =>
                    (
                        Name: $"t.{i}",
                        DType: dtypes[random.Next(dtypes.Length)],
                        Shape: Enumerable.Range(0, random.Next(5)).Select(_ => (long)random.Next(5)).ToArray()))
                .Select(tensor => tensor with { Shape = tensor.DType.Layout().IsSingle ? tensor.Shape : [.. tensor.Shape, 4] })
                .ToArray();
            byte[][] data =
            [
                .. tensors.Select(tensor => RandomBytes(tensor.DType.Layout().BytesOf(tensor.Shape.Aggregate(1L, (a, b) => a * b)))),
            ];
            string[] entries = new string[tensors.Length];
            long end = 0;
            int[] layout = [.. Enumerable.Range(0, tensors.Length)];
            random.Shuffle(layout);
            foreach (int i in layout)
            {
                string shape = string.Join(',', tensors[i].Shape);
                entries[i] = $"\"{tensors[i].Name}\":{{\"dtype\":\"{tensors[i].DType.SafetensorsName()}\",\"shape\":[{shape}]," +
                    $"\"data_offsets\":[{end},{end += data[i].Length}]}}";
            }
            byte[] file = [.. Safetensors($"{{{string.Join(',', entries)}}}"), .. layout.SelectMany(i => data[i])];

            var checkpoint = Checkpoint.Open(Write(file));

            Assert.Equal(tensors.Select(tensor => tensor.Name), checkpoint.Tensors.Select(tensor => tensor.Name));
            for (int i = 0; i < tensors.Length; i++)
            {
                Assert.Equal(tensors[i].DType, checkpoint.Tensors[i].DType);
                Assert.Equal(tensors[i].Shape, checkpoint.Tensors[i].Shape);
                Assert.Equal(data[i], Elements(checkpoint, tensors[i].Name));
            }
        }

        byte[] RandomBytes(long count)
        {
            byte[] bytes = new byte[count];
            random.NextBytes(bytes);
            return bytes;
        }
    }

    [Fact]
    public void A_hundred_thousand_tensors_do_not_open_in_quadratic_time()
    {
        byte[] file = SafetensorsOfBytes([.. Enumerable.Range(0, 100_000).Select(i => ($"trf_blocks.{i}.att.W_query.weight", i % 3))]);
        string path = Write(file);

        var watch = Stopwatch.StartNew();
        var checkpoint = Checkpoint.Open(path);

        Assert.Equal(100_000, checkpoint.Tensors.Length);
        // The limit is far above the usual time (0.2 s), so that a busy machine passes, and far below any quadratic time.
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void A_very_long_name_does_not_fill_the_message()
    {
        byte[] file = Safetensors($"{{\"{new string('n', 1_000_000)}\":{Whole.Replace("U8", "U9", StringComparison.Ordinal)}}}", 4);

        Assert.InRange(Refusal(Write(file)).Message.Length, 1, 600);
    }

    [Fact]
    public void Opening_can_be_cancelled() =>
        Assert.Throws<OperationCanceledException>(() =>
            Checkpoint.Open(Write(Safetensors(Good, 4)), new CancellationToken(canceled: true)));
}
