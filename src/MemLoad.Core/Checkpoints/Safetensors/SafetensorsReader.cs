using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics;
using System.Text.Json;

namespace MemLoad;

/// <summary>
/// Reads the header of a safetensors file: 8 bytes of length, JSON, then the tensors' bytes one after the other. Stricter than the reference
/// implementation where that leaves room for two readings of one file: repeated names, padding, unknown fields and names are checked too.
/// </summary>
internal static class SafetensorsReader
{
    private const int LengthBytes = 8;
    private const long LargestHeader = 100_000_000;
    private const int MostDimensions = 64;
    private const string MetadataName = "__metadata__";
    private static readonly SearchValues<char> ControlCharacters =
        SearchValues.Create([.. Enumerable.Range(0, 0xA0).Select(code => (char)code).Where(c => char.IsControl(c) && c != '\t')]);
    private static readonly string[] Fields = ["dtype", "shape", "data_offsets"];

    private static readonly JsonRules HeaderRules = new(
        Rules.SafetensorsHeaderEncoding, Rules.SafetensorsHeaderSyntax, Rules.SafetensorsNameRepeated, Rules.SafetensorsHeaderForm);

    /// <summary>One tensor as the header states it; begin and end count from the end of the header.</summary>
    private readonly record struct Entry(
        string Name, DType DType, ImmutableArray<long> Shape, ImmutableArray<long> Strides, long Begin, long End, long Position);

    /// <summary>Reads the header and checks all of it against the file.</summary>
    /// <param name="path">Absolute path of the file.</param>
    /// <param name="ct">Stops the reading.</param>
    /// <exception cref="MemLoadException">ML1001 to ML1007, ML4001 to ML4019.</exception>
    public static Checkpoint Read(string path, CancellationToken ct)
    {
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        byte[] header = ReadHeader(file);
        long dataStart = LengthBytes + header.Length;

        var builder = new CheckpointBuilder(path, CheckpointFormat.Safetensors);
        List<Entry> entries = ParseHeader(header, path, builder.Metadata, ct);
        CheckLayout(entries, dataStart, file.Length, path);

        int home = builder.AddFile(file);
        foreach (Entry entry in entries)
        {
            int storage = builder.AddStorage(home, dataStart + entry.Begin, entry.End - entry.Begin);
            builder.AddTensor(new TensorEntry(entry.Name, entry.DType, entry.Shape, entry.Strides, storage, 0));
        }
        return builder.Build();
    }

    private static byte[] ReadHeader(CheckpointFileReader file)
    {
        if (file.Length == 0)
        {
            throw Rules.FileEmpty.Broken("the file has no bytes", file.Path);
        }
        if (file.Length < LengthBytes)
        {
            throw Rules.FileTruncated.Broken($"{LengthBytes - file.Length} bytes of the header's length are missing", file.Path, file.Length);
        }
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file.ReadBytes(0, LengthBytes));
        if (length > LargestHeader)
        {
            throw Rules.SafetensorsHeaderTooLarge.Broken($"the header's length reads {length} bytes", file.Path, 0);
        }
        long missing = LengthBytes + (long)length - file.Length;
        if (missing > 0)
        {
            throw Rules.FileTruncated.Broken($"{missing} of the header's {length} bytes are missing", file.Path, file.Length);
        }
        byte[] header = file.ReadBytes(LengthBytes, (long)length);
        if (header is not [(byte)'{', ..])
        {
            string found = header.Length == 0 ? "the header is empty" : $"the header begins with byte 0x{header[0]:x2}";
            throw Rules.SafetensorsHeaderStart.Broken(found, file.Path, LengthBytes);
        }
        return header;
    }

    private static List<Entry> ParseHeader(byte[] header, string path, Dictionary<string, object?> metadata, CancellationToken ct)
    {
        var json = new StrictJson(header, LengthBytes, path, HeaderRules);
        var entries = new List<Entry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var shape = new List<long>();
        json.Next(JsonTokenType.StartObject, "the header");
        while (json.NextName(names, out string name))
        {
            ct.ThrowIfCancellationRequested();
            if (name == MetadataName)
            {
                ParseMetadata(ref json, metadata);
                continue;
            }
            if (name.AsSpan().ContainsAny(ControlCharacters))
            {
                throw json.Broken(Rules.SafetensorsTensorName, $"the tensor name {Printable.Quote(name)} has a control character");
            }
            entries.Add(ParseTensor(ref json, name, shape));
        }
        json.End(" "u8, Rules.SafetensorsHeaderPadding);
        return entries;
    }

    private static void ParseMetadata(ref StrictJson json, Dictionary<string, object?> metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        json.Next();
        if (json.Token != JsonTokenType.StartObject)
        {
            throw json.Broken(Rules.SafetensorsMetadata, "__metadata__ is no object");
        }
        while (json.NextName(names, out string name))
        {
            json.Next();
            if (json.Token != JsonTokenType.String)
            {
                throw json.Broken(Rules.SafetensorsMetadata, $"the value of {Printable.Quote(name)} in __metadata__ is no string");
            }
            metadata.Add(name, json.Scalar());
        }
    }

    private static Entry ParseTensor(ref StrictJson json, string name, List<long> shape)
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
                    ParseShape(ref json, name, shape);
                    break;
                case 2:
                    (begin, end) = ParseOffsets(ref json, name);
                    break;
                default:
                    throw json.Broken(
                        Rules.SafetensorsFields, $"tensor {Printable.Quote(name)} has the unknown field {Printable.Quote(json.Text())}");
            }
        }
        int missing = BitOperations.TrailingZeroCount(~seen);
        return missing == Fields.Length
            ? SizedEntry(in json, name, dtype, [.. shape], begin, end, position)
            : throw json.Broken(Rules.SafetensorsFields, $"tensor {Printable.Quote(name)} has no {Fields[missing]}", position);
    }

    private static DType ParseDType(ref StrictJson json, string name)
    {
        string typeName = json.NextText("dtype", name);
        return DTypes.TryFromSafetensorsName(typeName, out DType dtype)
            ? dtype
            : throw json.Broken(Rules.SafetensorsDType, $"tensor {Printable.Quote(name)} has the unknown dtype {Printable.Quote(typeName)}");
    }

    private static void ParseShape(ref StrictJson json, string name, List<long> shape)
    {
        shape.Clear();
        json.Next(JsonTokenType.StartArray, "shape", name);
        while (json.NextNumber("a dimension", name))
        {
            if (shape.Count == MostDimensions)
            {
                throw json.Broken(Rules.SafetensorsDimensions, $"tensor {Printable.Quote(name)} has more than {MostDimensions} dimensions");
            }
            shape.Add(Whole(in json, "a dimension", name));
        }
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
            throw json.Broken(Rules.SafetensorsOffsets, $"tensor {Printable.Quote(name)} begins at {offsets[0]} and ends before, at {offsets[1]}");
        }
        return (offsets[0], offsets[1]);
    }

    private static long Whole(in StrictJson json, string what, string name) => json.TryGetWhole(out long value)
        ? value
        : throw json.Broken(Rules.SafetensorsNumber, $"{what} of {Printable.Quote(name)} is no whole number from 0 to {long.MaxValue}");

    private static Entry SizedEntry(
        in StrictJson json, string name, DType dtype, ImmutableArray<long> shape, long begin, long end, long position)
    {
        long bytes;
        ImmutableArray<long> strides;
        try
        {
            strides = ShapeMath.ContiguousStrides(shape);
            bytes = checked(ShapeMath.ElementCount(shape) * dtype.ElementSize());
        }
        catch (OverflowException)
        {
            throw json.Broken(Rules.SafetensorsSizeOverflow, $"the size of tensor {Printable.Quote(name)} does not fit 64 bits", position);
        }
        if (bytes != end - begin)
        {
            string type = $"{dtype.SafetensorsName()} and shape ({string.Join(", ", shape)})";
            throw json.Broken(
                Rules.SafetensorsSizeMismatch, $"tensor {Printable.Quote(name)} of {type} needs {bytes} bytes and has {end - begin}", position);
        }
        return new Entry(name, dtype, shape, strides, begin, end, position);
    }

    // In the order of their bytes, each tensor begins where the one before it ends, and the last ends with the file.
    private static void CheckLayout(List<Entry> entries, long dataStart, long fileLength, string path)
    {
        long covered = 0;
        foreach (Entry entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != covered)
            {
                bool hole = entry.Begin > covered;
                string distance = hole ? $"{entry.Begin - covered} bytes after" : $"{covered - entry.Begin} bytes before";
                throw (hole ? Rules.SafetensorsHole : Rules.SafetensorsOverlap).Broken(
                    $"tensor {Printable.Quote(entry.Name)} begins at byte {entry.Begin} of the data, {distance} the end of the one before it",
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
            throw Rules.SafetensorsTrailing.Broken($"{present - covered} bytes follow the last tensor", path, dataStart + covered);
        }
    }
}
