using System.Buffers.Binary;

namespace MemLoad;

/// <summary>
/// Reads the header of a GGUF file of version 2 or 3: counts, keys and values, and the type and location of each tensor. It checks what the
/// reader of ggml checks (gguf.cpp, August 2026). It also checks that the length of the file is the length that the tensors need. In the
/// file, the innermost dimension is first. Shapes have the dimensions in the order of PyTorch.
/// </summary>
internal static class GgufReader
{
    private const int MostDimensions = 4; // GGML_MAX_DIMS
    private const int LongestName = 63; // GGML_MAX_NAME without the terminator
    private const uint Oldest = 2;
    private const uint Newest = 3;

    // The shortest entry: a name of one byte, the number of dimensions (0), the type, and the offset.
    private const int ShortestTensor = 8 + 1 + 4 + 4 + 8;

    // The bytes of an entry in a growing list.
    private const int EntryOverhead = 3 * 24;

    /// <summary>The first bytes of a file of this format.</summary>
    public static ReadOnlySpan<byte> Magic => "GGUF"u8;

    /// <summary>A tensor as the header states it, and its offset in the data.</summary>
    private readonly record struct Entry(TensorEntry Tensor, long Offset, long Position);

    /// <summary>Reads the header and compares all of it with the file.</summary>
    /// <exception cref="MemLoadException">ML1005, ML1007, ML1013, ML4101 to ML4115, ML6001, ML6013.</exception>
    public static Checkpoint Read(WholeFile file, FileBudget budget, CancellationToken ct)
    {
        using var input = new GgufInput(file, budget);
        _ = input.Bytes(Magic.Length);
        CheckVersion(input.UInt32(), file.Path);
        ulong tensorCount = input.UInt64();
        ulong pairCount = input.UInt64();
        (List<(string Key, object? Value)> pairs, long alignment) = GgufMetadata.Read(input, pairCount, budget, ct);
        if (tensorCount > (ulong)input.Left / ShortestTensor)
        {
            throw Rules.GgufCount.Broken(
                $"{tensorCount} tensors do not fit into the {input.Left} bytes that follow the keys", file.Path, 8);
        }
        var entries = new List<Entry>();
        var shapes = new Shapes(budget);
        for (ulong i = 0; i < tensorCount; i++)
        {
            ct.ThrowIfCancellationRequested();
            budget.Spend(EntryOverhead);
            entries.Add(ReadTensor(input, entries.Count, shapes, file.Path));
        }
        long dataStart = Padded(input.Position, alignment, file.Path, input.Position);
        CheckLayout(entries, alignment, dataStart, file);

        var builder = new CheckpointBuilder(file.Path, CheckpointFormat.Gguf, budget, entries.Count);
        int home = builder.AddFile(file);
        foreach (Entry entry in entries)
        {
            builder.AddStorage(home, dataStart + entry.Offset, entry.Tensor.Bytes);
            builder.AddTensor(entry.Tensor);
        }
        foreach ((string key, object? value) in pairs)
        {
            builder.AddMetadata(key, value);
        }
        return builder.Build();
    }

    private static void CheckVersion(uint version, string path)
    {
        const int At = 4;
        if (version is >= Oldest and <= Newest)
        {
            return;
        }
        // No field states the byte order. In the wrong byte order, the low bytes of the version are zero.
        if (version != 0 && (version & 0xFFFF) == 0)
        {
            throw Rules.GgufByteOrder.Broken(
                $"the file is big-endian GGUF of version {BinaryPrimitives.ReverseEndianness(version)}", path, At);
        }
        string known = version switch
        {
            0 => "which does not exist",
            1 => "which llama.cpp has not read since 2023",
            _ => "newer than all known versions",
        };
        throw Rules.GgufVersion.Broken($"the file is GGUF of version {version}, {known}", path, At);
    }

    private static Entry ReadTensor(GgufInput input, int index, Shapes shapes, string path)
    {
        long position = input.Position;
        string name = input.Name("the name of a tensor", LongestName, Rules.GgufTensorName);
        uint dimensions = input.UInt32();
        if (dimensions > MostDimensions)
        {
            throw Rules.GgufDimensions.Broken($"tensor {Printable.Quote(name)} has {dimensions} dimensions", path, position);
        }
        Span<long> shape = stackalloc long[(int)dimensions];
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            ulong dimension = input.UInt64();
            shape[i] = dimension <= long.MaxValue ? (long)dimension
                : throw Rules.GgufDimensions.Broken($"tensor {Printable.Quote(name)} has a dimension of {dimension}", path, position);
        }
        uint number = input.UInt32();
        ulong offset = input.UInt64();
        if (!GgufTypes.TryOf(number, out DType dtype))
        {
            throw Rules.GgufType.Broken($"tensor {Printable.Quote(name)} has type {number}, {GgufTypes.Describe(number)}", path, position);
        }
        ElementLayout layout = dtype.Layout();
        long row = shape.IsEmpty ? 1 : shape[^1];
        if (!layout.IsWhole(row))
        {
            throw Rules.GgufBlocks.Broken(
                $"tensor {Printable.Quote(name)} of {dtype.TorchName()} has rows of {row} elements, which are not whole blocks of "
                    + $"{layout.Elements}",
                path,
                position);
        }
        try
        {
            // As in ggml, a dimension of 0 does not hide other dimensions whose product does not fit.
            long elements = 1;
            foreach (long dimension in shape)
            {
                elements = checked(elements * Math.Max(dimension, 1));
            }
            _ = layout.BytesOf(elements);
            (ImmutableArray<long> sizes, ImmutableArray<long> strides) = shapes.Of(shape);
            return new Entry(new TensorEntry(name, dtype, sizes, strides, index, 0), unchecked((long)offset), position);
        }
        catch (OverflowException e)
        {
            throw Rules.GgufSize.Broken($"the size of tensor {Printable.Quote(name)} does not fit 64 bits", path, position, e);
        }
    }

    // In the order of the header, each tensor begins at the padded end of the previous tensor. Padding after the last tensor is optional.
    private static void CheckLayout(List<Entry> entries, long alignment, long dataStart, WholeFile file)
    {
        long expected = 0;
        long end = 0;
        foreach (Entry entry in entries)
        {
            if (entry.Offset != expected)
            {
                throw Rules.GgufOffset.Broken(
                    $"tensor {Printable.Quote(entry.Tensor.Name)} begins at byte {unchecked((ulong)entry.Offset)} of the data and not at "
                        + $"{expected}",
                    file.Path,
                    entry.Position);
            }
            end = Sum(expected, entry.Tensor.Bytes, file.Path, entry.Position);
            expected = Padded(end, alignment, file.Path, entry.Position);
        }
        long whole = Sum(dataStart, end, file.Path, 0);
        if (end > 0 && file.Length < whole)
        {
            throw Rules.FileTruncated.Broken(
                $"{Math.Min(whole - file.Length, end)} of {end} bytes of tensors are missing", file.Path, file.Length);
        }
        long padded = Sum(dataStart, expected, file.Path, 0);
        if (file.Length > padded)
        {
            throw Rules.GgufTrailing.Broken($"{file.Length - padded} bytes follow the last tensor and its padding", file.Path, padded);
        }
    }

    private static long Padded(long length, long alignment, string path, long position) =>
        Sum(length, (alignment - (length % alignment)) % alignment, path, position);

    private static long Sum(long one, long other, string path, long position)
    {
        try
        {
            return checked(one + other);
        }
        catch (OverflowException e)
        {
            throw Rules.GgufSize.Broken("the size of all tensors together does not fit 64 bits", path, position, e);
        }
    }

    /// <summary>Shapes with their strides. Tensors of the same shape, which models have in every layer, share them.</summary>
    private sealed class Shapes(FileBudget budget)
    {
        private const int Kept = 64;

        private readonly List<(ImmutableArray<long> Shape, ImmutableArray<long> Strides)> _known = [];

        public (ImmutableArray<long> Shape, ImmutableArray<long> Strides) Of(ReadOnlySpan<long> shape)
        {
            foreach ((ImmutableArray<long> Shape, ImmutableArray<long> Strides) known in _known)
            {
                if (known.Shape.AsSpan().SequenceEqual(shape))
                {
                    return known;
                }
            }
            budget.Spend(2 * (32 + (sizeof(long) * shape.Length)));
            ImmutableArray<long> dimensions = [.. shape];
            (ImmutableArray<long>, ImmutableArray<long>) made = (dimensions, ShapeMath.ContiguousStrides(dimensions));
            if (_known.Count < Kept)
            {
                _known.Add(made);
            }
            return made;
        }
    }
}
