using System.Collections.Immutable;
using System.Globalization;

namespace MemLoad;

/// <summary>
/// The last step of every reader: takes storages and views as a format states them, checks each view against its storage, and keeps of the
/// storages only the bytes that a tensor refers to.
/// </summary>
internal sealed class CheckpointBuilder(string path, CheckpointFormat format)
{
    // An honest broadcast (a mask expanded over batches) stays far below this; a zero-stride bomb does not.
    private const long LargestExpansion = 1L << 20;
    private const long FreeExpansion = 1L << 30;
    private const long ExpansionPerByte = 1L << 10;

    private readonly List<CheckpointFile> _files = [];
    private readonly List<Extent> _storages = [];
    private readonly List<TensorEntry> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private long _expanded;

    /// <summary>What the checkpoint says besides tensors.</summary>
    public Dictionary<string, object?> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a file that is being read and gives its index.</summary>
    public int AddFile(CheckpointFileReader file)
    {
        _files.Add(new CheckpointFile(file.Path, file.Length) { Stamp = file.Stamp });
        return _files.Count - 1;
    }

    /// <summary>Adds a file that is only described and gives its index.</summary>
    public int AddFile(string filePath, long length)
    {
        _files.Add(new CheckpointFile(filePath, length));
        return _files.Count - 1;
    }

    /// <summary>Adds a storage and gives its index. It must lie inside its file.</summary>
    /// <exception cref="MemLoadException">ML1005.</exception>
    public int AddStorage(int file, long offset, long length)
    {
        CheckpointFile home = _files[file];
        if (offset < 0 || length < 0 || offset > home.Length - length)
        {
            throw Rules.FileTruncated.Broken(
                string.Create(CultureInfo.InvariantCulture, $"a storage of {length} bytes does not fit the file's {home.Length} bytes"), home.Path, offset);
        }
        _storages.Add(new Extent(file, offset, length));
        return _storages.Count - 1;
    }

    /// <summary>Adds a tensor.</summary>
    /// <exception cref="MemLoadException">ML6001 to ML6004, ML6012, ML6013.</exception>
    public void AddTensor(TensorEntry tensor)
    {
        Extent storage = _storages[tensor.Storage];
        string home = _files[storage.File].Path;
        if (!_names.Add(tensor.Name))
        {
            throw Rules.NameRepeated.Broken($"the name {Printable.Quote(tensor.Name)} occurs twice", home);
        }
        if (tensor.Name.Any(c => char.IsControl(c) && c != '\t'))
        {
            throw Rules.TensorNameControl.Broken($"the tensor name {Printable.Quote(tensor.Name)} has a control character", home);
        }
        if (tensor.Shape.Length != tensor.Strides.Length || tensor.ElementOffset < 0
            || tensor.Shape.Any(dimension => dimension < 0) || tensor.Strides.Any(stride => stride < 0))
        {
            throw Rules.ShapeInvalid.Broken(
                $"tensor {Printable.Quote(tensor.Name)} has shape ({string.Join(", ", tensor.Shape)}), strides ({string.Join(", ", tensor.Strides)}) and offset {tensor.ElementOffset}", home);
        }
        try
        {
            int size = tensor.DType.ElementSize();
            long end = checked((tensor.ElementOffset + ShapeMath.Span(tensor.Shape, tensor.Strides)) * size);
            if (tensor.ElementCount > 0 && end > storage.Length)
            {
                throw Rules.ViewOutsideStorage.Broken($"tensor {Printable.Quote(tensor.Name)} ends at byte {end} of a storage of {storage.Length} bytes", home, storage.Offset);
            }
            if (tensor.Bytes > Math.Max(storage.Length, 1) && tensor.Bytes / Math.Max(storage.Length, 1) > LargestExpansion)
            {
                throw Rules.ViewTooLarge.Broken($"tensor {Printable.Quote(tensor.Name)} expands {storage.Length} bytes to {tensor.Bytes}", home, storage.Offset);
            }
            _expanded = checked(_expanded + Math.Max(0, tensor.Bytes - storage.Length));
            if (_expanded / ExpansionPerByte > _files[storage.File].Length + (FreeExpansion / ExpansionPerByte))
            {
                throw Rules.ViewsTooLarge.Broken($"views up to tensor {Printable.Quote(tensor.Name)} add {_expanded} bytes to a file of {_files[storage.File].Length}", home, storage.Offset);
            }
        }
        catch (OverflowException e)
        {
            throw Rules.ShapeInvalid.Broken($"the size of tensor {Printable.Quote(tensor.Name)} with shape ({string.Join(", ", tensor.Shape)}) does not fit 64 bits", home, innerException: e);
        }
        _tensors.Add(tensor);
    }

    /// <summary>The finished checkpoint.</summary>
    public Checkpoint Build() => Trim(path, format, [.. _files], [.. _storages], [.. _tensors], Metadata);

    /// <summary>
    /// Keeps the files and the stretches of storages that the tensors use, renumbered in the order of first use. Views keep their shape and
    /// strides; only where they start in the (shorter) storage changes.
    /// </summary>
    public static Checkpoint Trim(
        string path,
        CheckpointFormat format,
        ImmutableArray<CheckpointFile> files,
        ImmutableArray<Extent> storages,
        ImmutableArray<TensorEntry> tensors,
        IReadOnlyDictionary<string, object?> metadata)
    {
        (long Start, long End, int Alignment)[] used = new (long, long, int)[storages.Length];
        Array.Fill(used, (long.MaxValue, 0, 1));
        foreach (TensorEntry tensor in tensors.Where(tensor => tensor.ElementCount > 0))
        {
            (long start, long end, int alignment) = used[tensor.Storage];
            int size = tensor.DType.ElementSize();
            long last = tensor.ByteOffset + (ShapeMath.Span(tensor.Shape, tensor.Strides) * size);
            used[tensor.Storage] = (Math.Min(start, tensor.ByteOffset), Math.Max(end, last), Math.Max(alignment, size));
        }

        int[] newStorage = new int[storages.Length];
        int[] newFile = new int[files.Length];
        Array.Fill(newStorage, -1);
        Array.Fill(newFile, -1);
        var keptFiles = ImmutableArray.CreateBuilder<CheckpointFile>();
        var keptStorages = ImmutableArray.CreateBuilder<Extent>();
        var kept = ImmutableArray.CreateBuilder<TensorEntry>(tensors.Length);
        foreach (TensorEntry tensor in tensors)
        {
            (long start, long end, int alignment) = used[tensor.Storage];
            // Views of different element sizes may share a storage: start where all of them stay aligned. A storage of empty views has no bytes.
            start = end == 0 ? 0 : start / alignment * alignment;
            Extent storage = storages[tensor.Storage];
            if (newFile[storage.File] < 0)
            {
                newFile[storage.File] = keptFiles.Count;
                keptFiles.Add(files[storage.File]);
            }
            if (newStorage[tensor.Storage] < 0)
            {
                newStorage[tensor.Storage] = keptStorages.Count;
                keptStorages.Add(new Extent(newFile[storage.File], storage.Offset + start, end - start));
            }
            long offset = tensor.ElementCount == 0 ? 0 : (tensor.ByteOffset - start) / tensor.DType.ElementSize();
            bool same = tensor.Storage == newStorage[tensor.Storage] && tensor.ElementOffset == offset;
            kept.Add(same ? tensor : tensor with { Storage = newStorage[tensor.Storage], ElementOffset = offset });
        }
        return new Checkpoint(path, format, keptFiles.Count == 0 ? files : keptFiles.ToImmutable(), keptStorages.ToImmutable(), kept.DrainToImmutable(), metadata);
    }
}
