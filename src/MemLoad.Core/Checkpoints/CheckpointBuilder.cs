namespace MemLoad;

/// <summary>
/// The last step of every reader. It takes the storages and views of a format and checks each view against its storage. It keeps only the
/// bytes of a storage that a tensor refers to.
/// </summary>
internal sealed class CheckpointBuilder
{
    // A legitimate broadcast, such as a mask expanded over batches, is far below this limit. A malicious view with zero strides is above
    // it.
    private const long LargestExpansion = 1L << 20;

    /// <summary>Bytes of a metadata entry, without its name and value.</summary>
    private const int MetadataOverhead = FileBudget.GrowingEntry;

    // An exception with its texts.
    private const int RefusalBytes = 4096;

    /// <summary>
    /// Bytes of a tensor without its name and dimensions: its entry, and its items in the builder and in the finished checkpoint.
    /// </summary>
    private const int TensorOverhead = 72 + 8 + 32 + 8 + 32 + 40;

    // Bytes per expected tensor in the preallocated lists.
    private const int ExpectedOverhead = 8 + 32;

    private readonly string _path;
    private readonly CheckpointFormat _format;
    private readonly FileBudget _budget;
    private readonly List<CheckpointFile> _files = [];
    private readonly ImmutableArray<Extent>.Builder _storages;
    private readonly ImmutableArray<TensorEntry>.Builder _tensors;
    private HashSet<string>? _names; // null while the caller ensures that names are unique
    private readonly Dictionary<string, object?> _metadata = new(StringComparer.Ordinal);
    private readonly List<RefusedEntry> _refused = [];
    private long? _objectCount;
    private string? _objectFinding;

    /// <summary>Begins a checkpoint that no file describes. It needs no limits.</summary>
    public CheckpointBuilder(string path, CheckpointFormat format)
        : this(path, format, FileBudget.Unlimited(), 0)
    {
    }

    /// <summary>Begins a checkpoint.</summary>
    /// <param name="path">The path that was opened.</param>
    /// <param name="format">Its format.</param>
    /// <param name="budget">The budget that is charged with all data that is kept.</param>
    /// <param name="expected">The approximate number of tensors. If it is exact, nothing is copied at the end.</param>
    public CheckpointBuilder(string path, CheckpointFormat format, FileBudget budget, int expected)
    {
        _path = path;
        _format = format;
        _budget = budget;
        budget.Spend((long)ExpectedOverhead * expected);
        _storages = ImmutableArray.CreateBuilder<Extent>(expected);
        _tensors = ImmutableArray.CreateBuilder<TensorEntry>(expected);
    }

    /// <summary>Adds a file that is being read and returns its index.</summary>
    public int AddFile(WholeFile file) => AddFile(file.Described);

    /// <summary>Adds a file that is only described and returns its index.</summary>
    public int AddFile(string filePath, long length) => AddFile(new CheckpointFile(filePath, length));

    /// <summary>Adds a file and returns its index.</summary>
    public int AddFile(CheckpointFile file)
    {
        _files.Add(file);
        _budget.Whole.AddFile(file.Length);
        return _files.Count - 1;
    }

    /// <summary>Adds a storage and returns its index. The storage must be inside its file.</summary>
    /// <exception cref="MemLoadException">ML1005.</exception>
    public int AddStorage(int file, long offset, long length)
    {
        CheckpointFile home = _files[file];
        if (offset < 0 || length < 0 || (!FileDecoding.Holds(offset) && offset > home.Length - length))
        {
            throw Rules.FileTruncated.Broken(
                string.Create(CultureInfo.InvariantCulture, $"a storage of {length} bytes does not fit the file's {home.Length} bytes"),
                home.Path,
                offset);
        }
        _storages.Add(new Extent(file, offset, length));
        return _storages.Count - 1;
    }

    /// <summary>Adds a storage in several chunks and returns its index. The chunks fill it and must be inside their files.</summary>
    /// <exception cref="MemLoadException">ML1005.</exception>
    public int AddStorage(ImmutableArray<StorageChunk> chunks)
    {
        long length = 0;
        foreach (StorageChunk chunk in chunks)
        {
            CheckpointFile home = _files[chunk.File];
            if (chunk.Offset < 0 || chunk.Offset > home.Length - chunk.Length)
            {
                throw Rules.FileTruncated.Broken(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"a chunk of {chunk.Length} bytes does not fit the file's {home.Length} bytes"),
                    home.Path,
                    chunk.Offset);
            }
            length = checked(length + chunk.Length);
        }
        _storages.Add(new Extent(chunks[0].File, chunks[0].Offset, length) { Chunks = chunks });
        return _storages.Count - 1;
    }

    /// <summary>Adds a metadata value. A later value with the same name replaces an earlier value.</summary>
    public void AddMetadata(string name, object? value)
    {
        _budget.Spend(MetadataOverhead);
        _metadata[name] = value;
    }

    /// <summary>Returns a metadata value that was added; null if there is none.</summary>
    public object? Metadata(string name) => _metadata.GetValueOrDefault(name);

    /// <summary>Refuses a name that is too long.</summary>
    /// <exception cref="MemLoadException">ML6014.</exception>
    public void CheckNameLength(string name)
    {
        if (name.Length > _budget.Limits.NameLength)
        {
            throw Rules.NameTooLong.Broken(
                $"the name {Printable.Quote(name)} has {name.Length} characters, more than {_budget.Limits.NameLength}",
                _path,
                remedy: $"{Rules.NameTooLong.Remedy} {OpenLimits.Raise("name-length", name.Length)}.");
        }
    }

    /// <summary>Adds a tensor.</summary>
    /// <exception cref="MemLoadException">ML1013, ML6001 to ML6004, ML6012 to ML6014.</exception>
    /// <param name="tensor">The tensor, in a storage that was added before.</param>
    /// <param name="nameIsNew">True if the caller ensures that all names are unique.</param>
    public void AddTensor(TensorEntry tensor, bool nameIsNew = false)
    {
        _budget.Spend(TensorOverhead);
        Extent storage = _storages[tensor.Storage];
        string home = _files[storage.File].Path;
        CheckNameLength(tensor.Name);
        if (!nameIsNew && !TryAddName(tensor.Name))
        {
            Refuse(
                tensor.Name,
                Rules.NameRepeated.Broken(
                    $"the name {Printable.Quote(tensor.Name)} occurs twice", home, remedy: LeftOut(Rules.NameRepeated, tensor.Name)));
            return;
        }
        if (ControlCharacters.AreInTensorName(tensor.Name))
        {
            Refuse(
                tensor.Name,
                Rules.TensorNameControl.Broken(
                    $"the tensor name {Printable.Quote(tensor.Name)} has a control character",
                    home,
                    remedy: LeftOut(Rules.TensorNameControl, tensor.Name)));
            return;
        }
        if (tensor.Shape.Length != tensor.Strides.Length
            || tensor.ElementOffset < 0
            || HasNegative(tensor.Shape)
            || HasNegative(tensor.Strides))
        {
            throw Rules.ShapeInvalid.Broken(
                $"tensor {Printable.Quote(tensor.Name)} has shape ({string.Join(", ", tensor.Shape)}), strides "
                    + $"({string.Join(", ", tensor.Strides)}) and offset {tensor.ElementOffset}",
                home);
        }
        try
        {
            CheckView(tensor, storage, home);
        }
        catch (OverflowException e)
        {
            throw Rules.ShapeInvalid.Broken(
                $"the size of tensor {Printable.Quote(tensor.Name)} with shape ({string.Join(", ", tensor.Shape)}) does not fit 64 bits",
                home,
                innerException: e);
        }
        _tensors.Add(tensor);
    }

    private bool TryAddName(string name)
    {
        if (_names is null)
        {
            _budget.Spend((long)FileBudget.EntryBytes * _tensors.Capacity);
            _names = new HashSet<string>(_tensors.Capacity, StringComparer.Ordinal);
        }
        if (_names.Count == _names.Capacity)
        {
            _budget.Spend(FileBudget.GrowingEntry + (3L * (FileBudget.EntryBytes + 8) * _names.Count));
        }
        return _names.Add(name);
    }

    private void CheckView(TensorEntry tensor, Extent storage, string home)
    {
        long bytes = tensor.Bytes;
        ElementLayout layout = tensor.DType.Layout();
        if (!layout.IsSingle && (!tensor.IsContiguous || !layout.IsWhole(tensor.ElementOffset) || !layout.IsWhole(tensor.ElementCount)))
        {
            throw Rules.ShapeInvalid.Broken(
                $"tensor {Printable.Quote(tensor.Name)} of {tensor.DType.TorchName()} with shape ({string.Join(", ", tensor.Shape)}) is "
                    + $"not made of whole blocks",
                home);
        }
        long end = layout.BytesOf(checked(tensor.ElementOffset + ShapeMath.Span(tensor.Shape, tensor.Strides)));
        if (bytes > 0 && end > storage.Length)
        {
            throw Rules.ViewOutsideStorage.Broken(
                $"tensor {Printable.Quote(tensor.Name)} ends at byte {end} of a storage of {storage.Length} bytes", home, storage.Offset);
        }
        if (bytes <= storage.Length)
        {
            return;
        }
        if (_budget.Limits.ExpandedBytes is null && bytes / Math.Max(storage.Length, 1) > LargestExpansion)
        {
            throw Rules.ViewTooLarge.Broken(
                $"tensor {Printable.Quote(tensor.Name)} expands {storage.Length} bytes to {bytes}",
                home,
                storage.Offset,
                remedy: $"{Rules.ViewTooLarge.Remedy} {OpenLimits.Raise("expanded-bytes", bytes)}.");
        }
        if (!_budget.Whole.TryExpand(bytes - storage.Length, out long total, out long allowed))
        {
            throw Rules.ViewsTooLarge.Broken(
                $"views up to tensor {Printable.Quote(tensor.Name)} add {total} bytes to the files, more than {allowed}",
                home,
                storage.Offset,
                remedy: $"{Rules.ViewsTooLarge.Remedy} {OpenLimits.Raise("expanded-bytes", total)}.");
        }
    }

    private static bool HasNegative(ImmutableArray<long> numbers) => numbers.AsSpan().ContainsAnyExceptInRange(0, long.MaxValue);

    /// <summary>Adds an entry that cannot be read. The checkpoint opens only without it.</summary>
    public void Refuse(string name, MemLoadException reason)
    {
        _budget.Spend(RefusalBytes);
        _refused.Add(new RefusedEntry(name, reason));
    }

    /// <summary>The remedy of a rule for one entry: also without it, the rest can be read.</summary>
    public static Remedy LeftOut(Rule rule, string name) =>
        (Remedy)$"{rule.Remedy} To read the rest of the file, leave it out: {(Setting.Exclude, TypedPath.Of(Pattern(name)))}.";

    // A control character cannot be typed.
    private static string Pattern(string name) => string.Concat(name.Select(c => char.IsControl(c) ? '?' : c));

    /// <summary>States how many objects are left out, and the finding about them.</summary>
    public void SetObjects(long count, string? finding)
    {
        _objectCount = count;
        _objectFinding = finding;
    }

    /// <summary>Returns the finished checkpoint. Nothing can be added after this call.</summary>
    public Checkpoint Build() =>
        Trim(_path, _format, [.. _files], _storages.DrainToImmutable(), _tensors.DrainToImmutable(), _metadata).WithRefused([.. _refused])
        .WithObjects(_objectCount).WithFindings(_objectFinding is null ? [] : [_objectFinding]);

    /// <summary>
    /// Keeps the files and the ranges of storages that the tensors use, renumbered in the order of first use. Views keep their shape and
    /// strides. Only their start in the shorter storage changes. A storage in chunks belongs to one tensor, which needs all of it.
    /// </summary>
    public static Checkpoint Trim(
        string path,
        CheckpointFormat format,
        ImmutableArray<CheckpointFile> files,
        ImmutableArray<Extent> storages,
        ImmutableArray<TensorEntry> tensors,
        IReadOnlyDictionary<string, object?> metadata)
    {
        if (files.Length == 1 && AreWhole(storages, tensors))
        {
            return new Checkpoint(path, format, files, storages, tensors, metadata);
        }
        Stretch[] used = new Stretch[storages.Length];
        foreach (TensorEntry tensor in tensors)
        {
            if (tensor.ElementCount > 0)
            {
                used[tensor.Storage].Add(tensor);
            }
        }
        int[] newStorage = new int[storages.Length];
        int[] newFile = new int[files.Length];
        Array.Fill(newStorage, -1);
        Array.Fill(newFile, -1);
        var keptFiles = ImmutableArray.CreateBuilder<CheckpointFile>();
        var keptStorages = ImmutableArray.CreateBuilder<Extent>(Math.Min(storages.Length, tensors.Length));
        var kept = ImmutableArray.CreateBuilder<TensorEntry>(tensors.Length);
        foreach (TensorEntry tensor in tensors)
        {
            Stretch stretch = used[tensor.Storage];
            Extent storage = storages[tensor.Storage];
            if (newStorage[tensor.Storage] < 0)
            {
                newStorage[tensor.Storage] = keptStorages.Count;
                keptStorages.Add(
                    storage.IsInChunks
                        ? new Extent(Keep(storage.File), storage.Offset, storage.Length)
                        {
                            Chunks = [.. storage.Chunks.Select(chunk => chunk.WithFile(Keep(chunk.File)))],
                        }
                        : new Extent(Keep(storage.File), storage.Offset + stretch.Start, stretch.End - stretch.Start));
            }
            long offset =
                tensor.ElementCount == 0 ? 0
                : storage.IsInChunks ? tensor.ElementOffset
                : tensor.DType.Layout().ElementsIn(tensor.ByteOffset - stretch.Start);
            bool same = tensor.Storage == newStorage[tensor.Storage] && tensor.ElementOffset == offset;
            kept.Add(same ? tensor : tensor with { Storage = newStorage[tensor.Storage], ElementOffset = offset });
        }
        return new Checkpoint(
            path,
            format,
            keptFiles.Count == 0 ? files : keptFiles.ToImmutable(),
            keptStorages.DrainToImmutable(),
            kept.DrainToImmutable(),
            metadata);

        int Keep(int file)
        {
            if (newFile[file] < 0)
            {
                newFile[file] = keptFiles.Count;
                keptFiles.Add(files[file]);
            }
            return newFile[file];
        }
    }

    // Whether the first tensor of each storage uses all of it, and the storages are in the order of first use. Most files are like that.
    private static bool AreWhole(ImmutableArray<Extent> storages, ImmutableArray<TensorEntry> tensors)
    {
        int next = 0;
        foreach (TensorEntry tensor in tensors)
        {
            bool isFirst = tensor.Storage == next;
            if (tensor.Storage > next
                || (tensor.ElementOffset != 0 && (isFirst || tensor.ElementCount == 0))
                || (isFirst && tensor.DType.Layout().BytesOf(ShapeMath.Span(tensor.Shape, tensor.Strides)) != storages[next].Length))
            {
                return false;
            }
            next += isFirst ? 1 : 0;
        }
        return next == storages.Length;
    }

    // The bytes of a storage that tensors use. There are none if all tensors are empty.
    private struct Stretch
    {
        private long _first;
        private int _alignment;

        // Views of different element sizes may share a storage. The range starts where all of them are aligned.
        public readonly long Start => End == 0 ? 0 : _first / _alignment * _alignment;

        public long End { get; private set; }

        public void Add(TensorEntry tensor)
        {
            ElementLayout layout = tensor.DType.Layout();
            long first = tensor.ByteOffset;
            _first = End == 0 ? first : Math.Min(_first, first);
            _alignment = Math.Max(_alignment, layout.Bytes);
            End = Math.Max(End, first + layout.BytesOf(ShapeMath.Span(tensor.Shape, tensor.Strides)));
        }
    }
}
