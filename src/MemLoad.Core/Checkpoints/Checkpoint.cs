namespace MemLoad;

/// <summary>
/// A directory of extents: the tensors and the locations of their bytes. Opening reads only headers and keeps no file open. Later code does
/// not depend on the format.
/// </summary>
public sealed partial class Checkpoint
{
    private readonly Lazy<long> _parameterCount;

    internal Checkpoint(
        string path,
        CheckpointFormat format,
        ImmutableArray<CheckpointFile> files,
        ImmutableArray<Extent> storages,
        ImmutableArray<TensorEntry> tensors,
        IReadOnlyDictionary<string, object?> metadata)
    {
        Path = path;
        Format = format;
        Files = files;
        Storages = storages;
        Tensors = tensors;
        Metadata = metadata;
        long[] lengths = new long[storages.Length];
        long[] touched = new long[files.Length];
        for (int i = 0; i < lengths.Length; i++)
        {
            Extent storage = storages[i];
            lengths[i] = storage.Length;
            if (!storage.IsInChunks)
            {
                touched[storage.File] += storage.Length;
                continue;
            }
            foreach (StorageChunk chunk in storage.Chunks)
            {
                touched[chunk.File] += chunk.Length;
            }
        }
        StorageLengths = ImmutableCollectionsMarshal.AsImmutableArray(lengths);
        TouchedBytes = ImmutableCollectionsMarshal.AsImmutableArray(touched);
        _parameterCount = new Lazy<long>(CountParameters);
    }

    /// <summary>The absolute path that was opened.</summary>
    public string Path { get; }

    /// <summary>The format, determined from the content.</summary>
    public CheckpointFormat Format { get; }

    /// <summary>The files, in the order in which the tensors first need them.</summary>
    public ImmutableArray<CheckpointFile> Files { get; }

    /// <summary>The storages. They have only the bytes that tensors refer to, each once.</summary>
    public ImmutableArray<Extent> Storages { get; }

    /// <summary>The storages of a checkpoint that is not narrowed to slices, those in several chunks chunk by chunk.</summary>
    internal IEnumerable<Extent> Pieces => Storages.SelectMany(storage =>
        storage.IsInChunks ? storage.Chunks.Select(chunk => new Extent(chunk.File, chunk.Offset, chunk.Length)) : [storage]);

    /// <summary>Bytes of each file that tensors refer to, by the file's index.</summary>
    internal ImmutableArray<long> TouchedBytes { get; }

    /// <summary>The tensors, in the order of the file. Names are unique.</summary>
    public ImmutableArray<TensorEntry> Tensors { get; }

    /// <summary>
    /// The data of the checkpoint other than tensors: the <c>__metadata__</c> of safetensors, or the other values of a PyTorch container
    /// with dotted names. Values are null, bool, long, <see cref="System.Numerics.BigInteger"/>, double or string.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Metadata { get; }

    /// <summary>
    /// Findings about these files that no rule forbids. Examples are files of the folder that are left out, tensors that an index does not
    /// name, and fields that the format does not have. Each is a clause without a full stop; empty as a rule.
    /// </summary>
    public ImmutableArray<string> Findings { get; private set; } = [];

    /// <summary>
    /// The number of objects other than tensors that are left out, because only code can read them (<see cref="OpenLimits.AllowOpaque"/>).
    /// <see cref="Findings"/> names them. Null if they were not allowed, or the format has no objects.
    /// </summary>
    public long? OpaqueObjects { get; private set; }

    /// <summary>The sum of the bytes of all files.</summary>
    public long FileBytes => Files.Sum(file => file.Length);

    /// <summary>Elements of all tensors. Elements of shared storages count once.</summary>
    public long ParameterCount => _parameterCount.Value;

    /// <summary>M: bytes of all storages that the tensors need. Shared storages count once.</summary>
    public long ModelBytes => Storages.Sum(storage => storage.Length);

    /// <summary>L: bytes of the largest storage.</summary>
    public long LargestBytes => Storages.IsEmpty ? 0 : Storages.Max(storage => storage.Length);

    /// <summary>The same checkpoint with more findings.</summary>
    internal Checkpoint WithFindings(ImmutableArray<string> more) =>
        more.IsEmpty ? this : With(copy => copy.Findings = Findings.AddRange(more));

    /// <summary>The entries that cannot be read. A checkpoint is given out only without them.</summary>
    internal ImmutableArray<RefusedEntry> Refused { get; private set; } = [];

    /// <summary>The same checkpoint with entries that cannot be read.</summary>
    internal Checkpoint WithRefused(ImmutableArray<RefusedEntry> refused) =>
        refused.IsEmpty ? this : With(copy => copy.Refused = refused);

    /// <summary>The same checkpoint with a number of objects that are left out; null for the same.</summary>
    internal Checkpoint WithObjects(long? count) => count is null ? this : With(copy => copy.OpaqueObjects = count);

    /// <summary>Refuses a checkpoint with an entry that cannot be read.</summary>
    /// <exception cref="MemLoadException">The reason of the first such entry.</exception>
    internal Checkpoint RequireWhole() => Refused.IsEmpty ? this : throw Refused[0].Reason;

    // The part of this checkpoint with these tensors, which refer to these storages.
    private Checkpoint Narrowed(
        ImmutableArray<Extent> storages, ImmutableArray<TensorEntry> tensors, IReadOnlyDictionary<string, object?> metadata) =>
        CheckpointBuilder.Trim(Path, Format, Files, storages, tensors, metadata).WithFindings(Findings).WithObjects(OpaqueObjects);

    // A copy shares all lists with this checkpoint. It is changed only before it is given out.
    private Checkpoint With(Action<Checkpoint> change)
    {
        var copy = (Checkpoint)MemberwiseClone();
        change(copy);
        return copy;
    }

    // Tensors that share a storage may have different types. The widest type counts.
    private long CountParameters()
    {
        var layouts = new ElementLayout[Storages.Length];
        foreach (TensorEntry tensor in Tensors)
        {
            ref ElementLayout widest = ref layouts[tensor.Storage];
            ElementLayout layout = tensor.DType.Layout();
            if (layout.Bytes * widest.Elements >= widest.Bytes * layout.Elements)
            {
                widest = layout;
            }
        }
        return Storages.Select((storage, i) => layouts[i].Elements == 0 ? storage.Length : layouts[i].ElementsIn(storage.Length)).Sum();
    }
}
