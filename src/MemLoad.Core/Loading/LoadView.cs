namespace MemLoad;

/// <summary>The cast of a storage's elements while they are loaded.</summary>
/// <param name="From">The type in the file.</param>
/// <param name="To">The type in memory.</param>
internal readonly record struct StorageCast(DType From, DType To)
{
    /// <summary>Returns the bytes in memory of whole elements that have the given number of bytes in the file.</summary>
    public long TargetBytes(long bytes) => checked(bytes / From.ElementSize() * To.ElementSize());
}

/// <summary>
/// The tensors of a checkpoint as they are in memory after a load. <see cref="Checkpoint"/> has the description in the files, narrowed to
/// the loaded part. Floating-point tensors may have another type in memory than in the file.
/// </summary>
public sealed class LoadView
{
    // Empty if nothing is cast.
    private readonly ImmutableArray<StorageCast?> _casts;

    private int[]? _alignments;

    private LoadView(Checkpoint checkpoint, DType? dtype, ImmutableArray<TensorEntry> tensors, ImmutableArray<long> storageLengths,
        ImmutableArray<StorageCast?> casts)
    {
        Checkpoint = checkpoint;
        DType = dtype;
        Tensors = tensors;
        StorageLengths = storageLengths;
        _casts = casts;
    }

    /// <summary>The checkpoint that the bytes come from.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>The requested cast; null if all types stay as in the file.</summary>
    public DType? DType { get; }

    /// <summary>The tensors: the names, shapes, strides and storages of the checkpoint, each with its type in memory.</summary>
    public ImmutableArray<TensorEntry> Tensors { get; }

    /// <summary>The length of each storage in memory, in bytes.</summary>
    public ImmutableArray<long> StorageLengths { get; }

    /// <summary>M: bytes of all storages in memory.</summary>
    public long ModelBytes => StorageLengths.Sum();

    /// <summary>L: bytes of the largest storage in memory.</summary>
    public long LargestBytes => StorageLengths.IsEmpty ? 0 : StorageLengths.Max();

    /// <summary>True if any storage is cast.</summary>
    internal bool HasCasts => !_casts.IsEmpty;

    /// <summary>Returns the cast of a storage's elements; null if they are not cast.</summary>
    internal StorageCast? CastOf(int storage) => _casts.IsEmpty ? null : _casts[storage];

    /// <summary>Returns the bytes of the widest element of a storage's tensors, in the file.</summary>
    internal int AlignmentOf(int storage)
    {
        if (_alignments is null)
        {
            int[] alignments = new int[Checkpoint.Storages.Length];
            Array.Fill(alignments, 1);
            foreach (TensorEntry tensor in Checkpoint.Tensors.Where(tensor => tensor.DType.Layout().IsSingle))
            {
                alignments[tensor.Storage] = Math.Max(alignments[tensor.Storage], tensor.DType.ElementSize());
            }
            _alignments = alignments;
        }
        return _alignments[storage];
    }

    /// <summary>Creates a view of a checkpoint.</summary>
    /// <param name="checkpoint">The checkpoint to load.</param>
    /// <param name="dtype">The type that floating-point tensors are cast to, as PyTorch's <c>module.to(dtype)</c> does: float32, float16 or
    /// bfloat16; null to load all tensors as they are. Integers, booleans and complex numbers are not cast.</param>
    /// <exception cref="MemLoadException">ML6010: the cast is not supported; ML6011: a storage to cast is also viewed as another
    /// type; ML6015: a tensor has packed elements, which PyTorch does not cast either.</exception>
    public static LoadView Of(Checkpoint checkpoint, DType? dtype = null)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        if (dtype is not DType to)
        {
            return new LoadView(checkpoint, null, checkpoint.Tensors, checkpoint.StorageLengths, []);
        }
        if (to is not (MemLoad.DType.Float32 or MemLoad.DType.Float16 or MemLoad.DType.BFloat16))
        {
            throw Rules.CastTargetUnsupported.Broken($"a cast to {to.TorchName()} was requested");
        }
        foreach (TensorEntry tensor in checkpoint.Tensors)
        {
            if (tensor.DType.IsPacked())
            {
                throw Rules.CastPacked.Broken(
                    $"tensor {Printable.Quote(tensor.Name)} is {tensor.DType.TorchName()} and cannot be cast to {to.TorchName()}",
                    checkpoint.Files[checkpoint.Storages[tensor.Storage].File].Path);
            }
        }
        StorageCast?[] casts = Casts(checkpoint, to);
        bool any = Array.Exists(casts, cast => cast is not null);
        return new LoadView(
            checkpoint,
            to,
            [.. checkpoint.Tensors.Select(tensor => tensor.DType.IsFloatingPoint() ? tensor with { DType = to } : tensor)],
            any ? [.. checkpoint.StorageLengths.Select((length, i) => casts[i]?.TargetBytes(length) ?? length)] : checkpoint.StorageLengths,
            any ? ImmutableArray.Create(casts) : []);
    }

    /// <summary>Creates a view of a checkpoint without a cast.</summary>
    /// <param name="checkpoint">The checkpoint to load.</param>
    public static implicit operator LoadView(Checkpoint checkpoint) => Of(checkpoint);

    /// <summary>Creates a view of a checkpoint without a cast, as the implicit conversion does.</summary>
    /// <param name="checkpoint">The checkpoint to load.</param>
    public static LoadView FromCheckpoint(Checkpoint checkpoint) => Of(checkpoint);

    // One cast per storage, from the views that have elements.
    private static StorageCast?[] Casts(Checkpoint checkpoint, DType to)
    {
        var casts = new StorageCast?[checkpoint.Storages.Length];
        var first = new TensorEntry?[checkpoint.Storages.Length];
        foreach (TensorEntry tensor in checkpoint.Tensors.Where(tensor => tensor.ElementCount > 0))
        {
            if (first[tensor.Storage] is not TensorEntry other)
            {
                first[tensor.Storage] = tensor;
                casts[tensor.Storage] = MustChange(tensor) ? new StorageCast(tensor.DType, to) : null;
            }
            else if (tensor.DType != other.DType && (MustChange(tensor) || MustChange(other)))
            {
                Extent storage = checkpoint.Storages[tensor.Storage];
                throw Rules.CastStorageMixed.Broken(
                    $"tensors {Printable.Quote(other.Name)} ({other.DType.TorchName()}) and {Printable.Quote(tensor.Name)} "
                        + $"({tensor.DType.TorchName()}) share memory and cannot be cast to {to.TorchName()}",
                    checkpoint.Files[storage.File].Path, storage.Offset);
            }
        }
        return casts;

        bool MustChange(TensorEntry tensor) => tensor.DType.IsFloatingPoint() && tensor.DType != to;
    }
}
