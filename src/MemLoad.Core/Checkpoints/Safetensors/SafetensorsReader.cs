using System.Buffers.Binary;
using System.Numerics;
using System.Text.Json;

namespace MemLoad;

/// <summary>
/// Reads the header of a safetensors file: 8 bytes of length, JSON, then the bytes of the tensors. It is stricter than the reference
/// implementation, so that a file has only one reading. It also checks repeated names, padding, unknown fields and names.
/// </summary>
internal static class SafetensorsReader
{
    private const int LengthBytes = 8;
    private const long LargestHeader = 100_000_000;
    private const int StartBytes = 64;
    private const int MostDimensions = 64;
    private const int MostFields = 5; // that a finding names
    private const string MetadataName = "__metadata__";
    private static readonly string[] CommonTypes = ["F32", "BF16", "F16", "U8", "I8", "I64", "F8_E4M3"];
    private static readonly string[] Fields = ["dtype", "shape", "data_offsets"];

    private static readonly JsonRules HeaderRules = new(
        Rules.SafetensorsHeaderEncoding, Rules.SafetensorsHeaderSyntax, Rules.SafetensorsNameRepeated, Rules.SafetensorsHeaderForm);

    // The minimum length of a header entry in bytes.
    private const int ShortestEntry = 50;

    /// <summary>One tensor of the header. Its storage is its index in the header. Begin and end count from the end of the header.</summary>
    private readonly record struct Entry(TensorEntry Tensor, long Begin, int Position)
    {
        // The size of the tensor was compared with its offsets.
        public long End => checked(Begin + Tensor.Bytes);
    }

    /// <summary>Reads the header and compares it with the file.</summary>
    /// <exception cref="MemLoadException">ML1003 to ML1013, ML4001 to ML4019, ML5115, ML6012 to ML6014.</exception>
    public static Checkpoint Read(WholeFile file, FileBudget budget, CancellationToken ct)
    {
        long length = HeaderLength(file);
        long dataStart = LengthBytes + length;
        budget.Grant(length);
        CheckStart(file.ReadBytes(LengthBytes, Math.Min(length, StartBytes)), length, file.Path);
        var json = new StrictJson(file, LengthBytes, length, HeaderRules, budget);
        int expected = Expected(json.Piece, length);
        var builder = new CheckpointBuilder(file.Path, CheckpointFormat.Safetensors, budget, expected);
        budget.Spend(64L * expected);
        var entries = new List<Entry>(expected);
        var findings = new List<string>(); // content that the reference reader reads in only one way and its writer does not write
        ParseHeader(ref json, file.Path, builder, budget, entries, findings, ct);
        CheckLayout(entries, dataStart, file.Length, file.Path);

        ShardingInfo.Refuse(file.Path, builder.Metadata(ShardingInfo.Key) as string);
        int home = builder.AddFile(file);
        foreach (Entry entry in entries)
        {
            builder.AddStorage(home, dataStart + entry.Begin, entry.Tensor.Bytes);
            if (!ControlCharacters.AreInTensorName(entry.Tensor.Name))
            {
                builder.AddTensor(entry.Tensor, nameIsNew: true);
            }
        }
        return builder.Build().WithFindings([.. findings]);
    }

    private static long HeaderLength(WholeFile file)
    {
        if (file.Length == 0)
        {
            throw Rules.FileEmpty.Broken("the file has no bytes", file.Path);
        }
        if (file.Length < LengthBytes)
        {
            throw Rules.FileTruncated.Broken(
                $"{LengthBytes - file.Length} bytes of the header's length are missing", file.Path, file.Length);
        }
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file.ReadBytes(0, LengthBytes));
        if (length > LargestHeader)
        {
            throw Rules.SafetensorsHeaderTooLarge.Broken($"the header's length is stated as {length} bytes", file.Path, 0);
        }
        long missing = LengthBytes + (long)length - file.Length;
        if (missing > 0)
        {
            throw Rules.FileTruncated.Broken($"{missing} of the header's {length} bytes are missing", file.Path, file.Length);
        }
        return (long)length;
    }

    // The reference reader permits white space before and after the header. Writers add spaces after it.
    private static void CheckStart(ReadOnlySpan<byte> start, long length, string path)
    {
        ReadOnlySpan<byte> text = start.TrimStart(StrictJson.Spaces);
        if (text is not [(byte)'{', ..] && !(text.IsEmpty && start.Length < length))
        {
            string found = start.IsEmpty ? "the header is empty" : $"the header begins with byte 0x{start[0]:x2}";
            throw Rules.SafetensorsHeaderStart.Broken(found, path, LengthBytes);
        }
    }

    // The number of entries. It is exact for a header of one piece if metadata comes first, as the reference writer has it, and no text has
    // a brace. Lists of the exact length are not copied. The number is estimated for a longer header, with a margin of 1/64.
    private static int Expected(ReadOnlySpan<byte> piece, long length)
    {
        long entries = piece.Count((byte)'{') - (piece.StartsWith("{\"__metadata__\":{"u8) ? 2 : 1);
        long expected = piece.Length == length ? entries : entries * length / piece.Length * 65 / 64;
        return (int)Math.Clamp(expected, 0, length / ShortestEntry);
    }

    private static void ParseHeader(
        ref StrictJson json,
        string path,
        CheckpointBuilder builder,
        FileBudget budget,
        List<Entry> entries,
        List<string> findings,
        CancellationToken ct)
    {
        if (json.Piece[0] != '{')
        {
            findings.Add("the header begins with white space and not with a brace");
        }
        var names = new HashSet<string>(entries.Capacity, StringComparer.Ordinal);
        var shape = new ShapeParser();
        var unknown = new SortedSet<string>(StringComparer.Ordinal);
        json.Next(JsonTokenType.StartObject, "the header");
        while (json.NextName(names, out string name))
        {
            ct.ThrowIfCancellationRequested();
            if (name == MetadataName)
            {
                ParseMetadata(ref json, builder, findings);
                continue;
            }
            if (ControlCharacters.AreInTensorName(name))
            {
                builder.Refuse(
                    name,
                    Rules.SafetensorsTensorName.Broken(
                        $"the tensor name {Printable.Quote(name)} has a control character",
                        path,
                        json.Position,
                        remedy: CheckpointBuilder.LeftOut(Rules.SafetensorsTensorName, name)));
            }
            entries.Add(ParseTensor(ref json, name, entries.Count, shape, budget, unknown));
        }
        json.End(Rules.SafetensorsHeaderPadding);
        if (json.Piece[^1] is (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            findings.Add("the header ends in a line break or a tab, and the format pads it with spaces");
        }
        if (unknown.Count > 0)
        {
            findings.Add($"tensors have fields that the format does not define: {Printable.List(unknown)}");
        }
    }

    private static void ParseMetadata(ref StrictJson json, CheckpointBuilder builder, List<string> findings)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        json.Next();
        if (json.Token == JsonTokenType.Null)
        {
            findings.Add("__metadata__ is null, and the format allows only a map of strings");
            return;
        }
        if (json.Token != JsonTokenType.StartObject)
        {
            throw json.Broken(Rules.SafetensorsMetadata, "__metadata__ is not an object");
        }
        while (json.NextName(names, out string name))
        {
            json.Next();
            if (json.Token != JsonTokenType.String)
            {
                throw json.Broken(Rules.SafetensorsMetadata, $"the value of {Printable.Quote(name)} in __metadata__ is not a string");
            }
            builder.AddMetadata(name, json.Scalar());
        }
    }

    private static Entry ParseTensor(
        ref StrictJson json, string name, int index, ShapeParser shape, FileBudget budget, SortedSet<string> unknown)
    {
        long position = json.Position;
        DType dtype = default;
        (long begin, long end) = (0, 0);
        uint seen = 0;
        json.Next(JsonTokenType.StartObject, "the entry", name);
        for (int field; (field = json.NextField(Fields, ref seen)) >= 0;)
        {
            switch (field)
            {
                case 0:
                    dtype = ParseDType(ref json, name);
                    break;
                case 1:
                    shape.Parse(ref json, name);
                    break;
                case 2:
                    (begin, end) = ParseOffsets(ref json, name);
                    break;
                default:
                    if (unknown.Count <= MostFields)
                    {
                        unknown.Add(json.Text());
                    }
                    json.Next();
                    json.Skip();
                    break;
            }
        }
        int missing = BitOperations.TrailingZeroCount(~seen);
        if (missing != Fields.Length)
        {
            throw json.Broken(Rules.SafetensorsFields, $"tensor {Printable.Quote(name)} has no {Fields[missing]}", position);
        }
        (ImmutableArray<long> dimensions, ImmutableArray<long> strides) = shape.Take(in json, name, position, budget);
        CheckSize(in json, name, dtype, dimensions, end - begin, position);
        return new Entry(new TensorEntry(name, dtype, dimensions, strides, index, 0), begin, checked((int)position));
    }

    private static DType ParseDType(ref StrictJson json, string name)
    {
        // Neighboring tensors usually have the same type. Frequent types need no new string.
        string typeName = json.NextText("dtype", name, CommonTypes);
        return DTypes.TryFromSafetensorsName(typeName, out DType dtype)
            ? dtype
            : throw json.Broken(
                Rules.SafetensorsDType, $"tensor {Printable.Quote(name)} has the unknown dtype {Printable.Quote(typeName)}");
    }

    private static (long Begin, long End) ParseOffsets(ref StrictJson json, string name)
    {
        json.Next(JsonTokenType.StartArray, "data_offsets", name);
        Span<long> offsets = stackalloc long[2];
        int count = 0;
        for (; json.NextNumber("an offset", name); count++)
        {
            if (count == 2)
            {
                throw json.Broken(Rules.SafetensorsOffsets, $"tensor {Printable.Quote(name)} has more than two data_offsets");
            }
            offsets[count] = Whole(in json, "an offset", name);
        }
        if (count < 2)
        {
            throw json.Broken(Rules.SafetensorsOffsets, $"tensor {Printable.Quote(name)} has fewer than two data_offsets");
        }
        if (offsets[1] < offsets[0])
        {
            throw json.Broken(
                Rules.SafetensorsOffsets, $"tensor {Printable.Quote(name)} begins at {offsets[0]} and ends before that, at {offsets[1]}");
        }
        return (offsets[0], offsets[1]);
    }

    private static long Whole(in StrictJson json, string what, string name) => json.TryGetWhole(out long value)
        ? value
        : throw json.Broken(Rules.SafetensorsNumber, $"{what} of {Printable.Quote(name)} is not a whole number from 0 to {long.MaxValue}");

    private static void CheckSize(in StrictJson json, string name, DType dtype, ImmutableArray<long> shape, long present, long position)
    {
        ElementLayout layout = dtype.Layout();
        long elements;
        long bytes;
        try
        {
            elements = ShapeMath.ElementCount(shape);
            bytes = layout.BytesOf(elements);
        }
        catch (OverflowException)
        {
            throw SizeOverflow(in json, name, position);
        }
        if (!layout.IsWhole(elements))
        {
            throw json.Broken(
                Rules.SafetensorsPartOfByte,
                $"tensor {Printable.Quote(name)} of {dtype.SafetensorsName()} has {elements} elements, which end inside a byte: "
                    + $"{layout.Elements} take {layout.Bytes}",
                position);
        }
        if (bytes != present)
        {
            string type = $"{dtype.SafetensorsName()} and shape ({string.Join(", ", shape)})";
            throw json.Broken(
                Rules.SafetensorsSizeMismatch, $"tensor {Printable.Quote(name)} of {type} needs {bytes} bytes and has {present}", position);
        }
    }

    private static MemLoadException SizeOverflow(in StrictJson json, string name, long position) =>
        json.Broken(Rules.SafetensorsSizeOverflow, $"the size of tensor {Printable.Quote(name)} does not fit 64 bits", position);

    // In byte order, each tensor begins at the end of the previous tensor. The last tensor ends at the end of the file.
    private static void CheckLayout(List<Entry> entries, long dataStart, long fileLength, string path)
    {
        long covered = 0;
        foreach (Entry entry in InOrderOfBytes(entries))
        {
            if (entry.Begin != covered)
            {
                bool hole = entry.Begin > covered;
                string distance = hole ? $"{entry.Begin - covered} bytes after" : $"{covered - entry.Begin} bytes before";
                throw (hole ? Rules.SafetensorsHole : Rules.SafetensorsOverlap).Broken(
                    $"tensor {Printable.Quote(entry.Tensor.Name)} begins at byte {entry.Begin} of the data, {distance} the end of the "
                        + $"previous tensor",
                    path, entry.Position);
            }
            covered = entry.End;
        }
        long present = fileLength - dataStart;
        if (present < covered)
        {
            throw Rules.FileTruncated.Broken($"{covered - present} of {covered} bytes of tensors are missing", path, fileLength);
        }
        if (present > covered)
        {
            string what =
                present - covered == fileLength / 2 && fileLength % 2 == 0
                    ? ", as many as the file has before them: the file may contain two downloads"
                    : "";
            throw Rules.SafetensorsTrailing.Broken($"{present - covered} bytes follow the last tensor{what}", path, dataStart + covered);
        }
    }

    // Most programs write the header in byte order.
    private static IEnumerable<Entry> InOrderOfBytes(List<Entry> entries)
    {
        for (int i = 1; i < entries.Count; i++)
        {
            if (entries[i].Begin < entries[i - 1].Begin
                || (entries[i].Begin == entries[i - 1].Begin && entries[i].End < entries[i - 1].End))
            {
                return entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End);
            }
        }
        return entries;
    }

    /// <summary>Reads shapes. Consecutive tensors with equal shapes share their arrays.</summary>
    private sealed class ShapeParser
    {
        private readonly List<long> _dimensions = [];
        private ImmutableArray<long> _shape = [];
        private ImmutableArray<long> _strides = [];

        public void Parse(ref StrictJson json, string name)
        {
            _dimensions.Clear();
            json.Next(JsonTokenType.StartArray, "shape", name);
            while (json.NextNumber("a dimension", name))
            {
                if (_dimensions.Count == MostDimensions)
                {
                    throw json.Broken(
                        Rules.SafetensorsDimensions, $"tensor {Printable.Quote(name)} has more than {MostDimensions} dimensions");
                }
                _dimensions.Add(Whole(in json, "a dimension", name));
            }
        }

        public (ImmutableArray<long> Shape, ImmutableArray<long> Strides) Take(
            in StrictJson json, string name, long position, FileBudget budget)
        {
            if (!_shape.AsSpan().SequenceEqual(CollectionsMarshal.AsSpan(_dimensions)))
            {
                budget.Spend(2 * (32 + (sizeof(long) * _dimensions.Count)));
                _shape = [.. _dimensions];
                try
                {
                    ImmutableArray<long> strides = ShapeMath.ContiguousStrides(_shape);
                    _strides = strides.AsSpan().SequenceEqual(_strides.AsSpan()) ? _strides : strides;
                }
                catch (OverflowException)
                {
                    throw SizeOverflow(in json, name, position);
                }
            }
            return (_shape, _strides);
        }
    }
}
