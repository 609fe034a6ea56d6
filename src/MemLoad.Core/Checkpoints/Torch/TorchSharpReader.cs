using System.Text;

namespace MemLoad;

/// <summary>
/// Reads the file that TorchSharp's <c>Module.save</c> writes. It has the number of entries. For each entry, the name, the type, the shape
/// and the elements follow, contiguous and little-endian. Numbers are LEB128, and a name has its length before it. The format has no mark
/// at its beginning.
/// </summary>
/// <remarks>Source: TorchSharp, Tensor.Save and Module.save.</remarks>
internal static class TorchSharpReader
{
    private const int MostDimensions = 64;
    private const int LongestName = 4096;
    private const int LongestNumber = 10;
    private const int LongestHeader = LongestName + ((MostDimensions + 3) * LongestNumber);
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>
    /// Whether the first bytes can be those of such a file: a count, and an entry with a printable name, a type and a shape.
    /// </summary>
    public static bool Begins(ReadOnlySpan<byte> head) =>
        TryNumber(ref head, out long count)
        && count is > 0 and < int.MaxValue
        && TryNumber(ref head, out long length)
        && length > 0
        && length <= Math.Min(head.Length, 200)
        && !head[..(int)length].ContainsAnyExceptInRange((byte)' ', (byte)'~')
        && TryShape(head[(int)length..], out _, out _, out _);

    /// <summary>Reads the headers of all entries.</summary>
    /// <exception cref="MemLoadException">ML1005, ML1013, ML2018, and the rules of tensors.</exception>
    public static Checkpoint Read(WholeFile file, FileBudget budget, CancellationToken ct)
    {
        using var window = new FileWindow(file);
        long at = 0;
        ReadOnlySpan<byte> header = window.Read(0, (int)Math.Min(file.Length, LongestNumber));
        ReadOnlySpan<byte> rest = header;
        if (!TryNumber(ref rest, out long count) || count > file.Length)
        {
            throw Broken(file, at, "the number of entries does not fit the file");
        }
        at += header.Length - rest.Length;
        var builder = new CheckpointBuilder(file.Path, CheckpointFormat.TorchSharp, budget, 0);
        int home = builder.AddFile(file);
        for (long i = 0; i < count; i++)
        {
            ct.ThrowIfCancellationRequested();
            header = window.Read(at, (int)Math.Min(file.Length - at, LongestHeader));
            rest = header;
            string name = ReadName(ref rest, file, at);
            if (!TryShape(rest, out DType type, out ImmutableArray<long> shape, out rest))
            {
                throw Broken(file, at, FormattableString.Invariant($"entry {i} does not have a type and a shape of TorchSharp"));
            }
            at += header.Length - rest.Length;
            budget.Grant(header.Length - rest.Length);
            budget.Spend(FileBudget.Text(name.Length) + (4L * sizeof(long) * shape.Length));
            long length;
            ImmutableArray<long> strides;
            try
            {
                length = type.Layout().BytesOf(ShapeMath.ElementCount(shape));
                strides = ShapeMath.ContiguousStrides(shape);
            }
            catch (OverflowException)
            {
                throw Broken(file, at, $"the size of {Printable.Quote(name)} does not fit 64 bits");
            }
            builder.AddTensor(new TensorEntry(name, type, shape, strides, builder.AddStorage(home, at, length), 0));
            at += length;
        }
        return at == file.Length ? builder.Build() : throw Broken(file, at, $"{file.Length - at} bytes follow the last entry");
    }

    private static string ReadName(ref ReadOnlySpan<byte> rest, WholeFile file, long at)
    {
        if (!TryNumber(ref rest, out long length) || length > Math.Min(rest.Length, LongestName))
        {
            throw Broken(file, at, "an entry has no name of reasonable length");
        }
        try
        {
            string name = StrictUtf8.GetString(rest[..(int)length]);
            rest = rest[(int)length..];
            return name;
        }
        catch (DecoderFallbackException)
        {
            throw Broken(file, at, "the name of an entry is not UTF-8");
        }
    }

    private static bool TryShape(ReadOnlySpan<byte> bytes, out DType type, out ImmutableArray<long> shape, out ReadOnlySpan<byte> rest)
    {
        rest = bytes;
        type = default;
        shape = [];
        if (!TryNumber(ref rest, out long code)
            || TypeOf(code) is not DType known
            || !TryNumber(ref rest, out long rank)
            || rank > MostDimensions)
        {
            return false;
        }
        long[] dimensions = new long[rank];
        foreach (ref long dimension in dimensions.AsSpan())
        {
            if (!TryNumber(ref rest, out dimension))
            {
                return false;
            }
        }
        type = known;
        shape = [.. dimensions];
        return true;
    }

    // Unsigned LEB128, at most 63 bits, with no more bytes than the number needs.
    private static bool TryNumber(ref ReadOnlySpan<byte> bytes, out long number)
    {
        number = 0;
        for (int i = 0; i < Math.Min(bytes.Length, LongestNumber - 1); i++)
        {
            number |= (long)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bool shortest = i == 0 || bytes[i] != 0;
                bytes = bytes[(i + 1)..];
                return shortest;
            }
        }
        return false;
    }

    // c10::ScalarType.
    private static DType? TypeOf(long code) => code switch
    {
        0 => DType.UInt8,
        1 => DType.Int8,
        2 => DType.Int16,
        3 => DType.Int32,
        4 => DType.Int64,
        5 => DType.Float16,
        6 => DType.Float32,
        7 => DType.Float64,
        9 => DType.Complex64,
        10 => DType.Complex128,
        11 => DType.Bool,
        15 => DType.BFloat16,
        _ => null,
    };

    private static MemLoadException Broken(WholeFile file, long at, string finding) =>
        Rules.TorchSharpLayout.Broken(finding, file.Path, Math.Min(at, file.Length));
}
