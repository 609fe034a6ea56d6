using System.Buffers.Binary;
using System.Text;

namespace MemLoad;

/// <summary>
/// Writes a safetensors file with the same bytes as the reference writer (safetensors 0.4 to 0.6, <c>prepare</c> in tensor.rs). Wide types
/// are first, then names in order. Spaces pad the header to a multiple of 8. Elements are contiguous, and shared elements are repeated.
/// </summary>
internal sealed class SafetensorsWriter : CheckpointFileWriter
{
    private const int LongestHeader = 100_000_000;
    private const string MetadataKey = "__metadata__";

    // The type order of the reference. It aligns every tensor to its element size.
    private static readonly DType[] Order =
    [
        DType.UInt64, DType.Int64, DType.Float64, DType.Complex64, DType.Float32, DType.UInt32, DType.Int32, DType.BFloat16, DType.Float16,
        DType.UInt16, DType.Int16, DType.Float8E5M2FNUZ, DType.Float8E4M3FNUZ, DType.Float8E8M0FNU, DType.Float8E4M3FN, DType.Float8E5M2,
        DType.Int8, DType.UInt8, DType.Float6E3M2FN, DType.Float6E2M3FN, DType.Float4E2M1FN, DType.Bool,
    ];

    /// <summary>Orders names in UTF-8 by their code points, as Rust and Python do.</summary>
    public static readonly Comparer<byte[]> CodePoints = Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b));

    private readonly IWeightSource _source;
    private readonly ImmutableArray<TensorEntry> _tensors;
    private readonly byte[] _header;

    /// <summary>Determines the layout of a file with some tensors of a source.</summary>
    /// <exception cref="MemLoadException">ML9107, ML9108 or ML9109.</exception>
    public SafetensorsWriter(IWeightSource source, ImmutableArray<TensorEntry> some, string target)
    {
        _source = source;
        foreach (TensorEntry tensor in some)
        {
            if (tensor.DType.SafetensorsName() is null)
            {
                throw Rules.DTypeNotInFormat.Broken(
                    $"safetensors has no {tensor.DType.TorchName()}, the dtype of tensor {Printable.Quote(tensor.Name)}", target,
                    remedy: CheckpointWriter.RemedyFor(tensor.DType));
            }
            if (ControlCharacters.AreInTensorName(tensor.Name))
            {
                throw Rules.NameNotWritable.Broken(
                    $"the name {Printable.Quote(tensor.Name)} has a control character, which the reader of MemLoad refuses", target);
            }
            if (tensor.Name == MetadataKey)
            {
                throw Rules.NameNotWritable.Broken($"safetensors reserves the name {Printable.Quote(MetadataKey)}", target);
            }
        }
        _tensors =
        [
            .. some.Select(tensor => (Tensor: tensor, Rank: Array.IndexOf(Order, tensor.DType), Name: Encoding.UTF8.GetBytes(tensor.Name)))
                .OrderBy(item => item.Rank).ThenBy(item => item.Name, CodePoints)
                .Select(item => item.Tensor),
        ];
        _header = Header(_tensors, out long dataBytes);
        if (_header.Length - 8 > LongestHeader)
        {
            throw Rules.HeaderTooLong.Broken(
                $"the header of {_tensors.Length} tensors has {_header.Length - 8} bytes of at most {LongestHeader}", target);
        }
        Length = checked(_header.Length + dataBytes);
    }

    public override long Length { get; }

    public override void Write(FileAppender output)
    {
        output.Append(_header);
        foreach (TensorEntry tensor in _tensors)
        {
            long end = output.Position + tensor.Bytes;
            output.Append(_source, tensor);
            if (output.Position != end)
            {
                throw Rules.SourceInconsistent.Broken(
                    $"tensor {Printable.Quote(tensor.Name)} has {tensor.Bytes} bytes, {tensor.Bytes + output.Position - end} were given");
            }
        }
    }

    private static byte[] Header(ImmutableArray<TensorEntry> tensors, out long dataBytes)
    {
        var json = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
        dataBytes = 0;
        foreach (TensorEntry tensor in tensors)
        {
            long end = checked(dataBytes + tensor.Bytes);
            // As the reference does. A name has no other character that JSON must escape.
            string name = tensor.Name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\t", "\\t", StringComparison.Ordinal);
            json.Append(
                CultureInfo.InvariantCulture,
                $",\"{name}\":{{\"dtype\":\"{tensor.DType.SafetensorsName()}\",\"shape\":[{string.Join(',', tensor.Shape)}]");
            json.Append(CultureInfo.InvariantCulture, $",\"data_offsets\":[{dataBytes},{end}]}}");
            dataBytes = end;
        }
        string text = json.Append('}').ToString();
        int bytes = Encoding.UTF8.GetByteCount(text);
        byte[] header = new byte[8 + ((bytes + 7) / 8 * 8)];
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        Encoding.UTF8.GetBytes(text, header.AsSpan(8));
        header.AsSpan(8 + bytes).Fill((byte)' ');
        return header;
    }
}
