using System.Collections.Immutable;

namespace MemLoad;

/// <summary>A storage's elements change their type on the way into memory.</summary>
/// <param name="From">The type in the file.</param>
/// <param name="To">The type in memory.</param>
internal readonly record struct StorageCast(DType From, DType To)
{
    /// <summary>Bytes in memory of whole elements that take so many bytes in the file.</summary>
    public long TargetBytes(long bytes) => checked(bytes / From.ElementSize() * To.ElementSize());
}

/// <summary>
/// What a load wants of a checkpoint: its tensors as they will lie in memory. <see cref="Checkpoint"/> is what the files say, narrowed to what is loaded;
/// floating-point tensors may have another type in memory than in the file.
/// </summary>
public sealed class LoadView
{
    // Empty where nothing is cast.
    private readonly ImmutableArray<StorageCast?> _casts;

    private LoadView(Checkpoint checkpoint, DType? dtype, ImmutableArray<TensorEntry> tensors, ImmutableArray<long> storageLengths, ImmutableArray<StorageCast?> casts)
    {
        Checkpoint = checkpoint;
        DType = dtype;
        Tensors = tensors;
        StorageLengths = storageLengths;
        _casts = casts;
    }

    /// <summary>Where the bytes come from.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>The cast that was asked for; null where everything stays as in the file.</summary>
    public DType? DType { get; }

    /// <summary>The tensors: names, shapes, strides and storages of the checkpoint's, each with the type it has in memory.</summary>
    public ImmutableArray<TensorEntry> Tensors { get; }

    /// <summary>Bytes of each storage in memory.</summary>
    public ImmutableArray<long> StorageLengths { get; }

    /// <summary>M: bytes of all storages in memory.</summary>
    public long ModelBytes => StorageLengths.Sum();

    /// <summary>L: bytes of the largest storage in memory.</summary>
    public long LargestBytes => StorageLengths.IsEmpty ? 0 : StorageLengths.Max();

    /// <summary>True if anything is cast.</summary>
    internal bool HasCasts => !_casts.IsEmpty;

    /// <summary>What happens to a storage's elements; null if they stay as they are.</summary>
    internal StorageCast? CastOf(int storage) => _casts.IsEmpty ? null : _casts[storage];

    /// <summary>A view of a checkpoint.</summary>
    /// <param name="checkpoint">What is loaded.</param>
    /// <param name="dtype">
    /// What floating-point tensors are cast to, as PyTorch's <c>module.to(dtype)</c> does: float32, float16 or bfloat16; null to load everything as it is.
    /// Integers, booleans and complex numbers stay.
    /// </param>
    /// <exception cref="MemLoadException">ML6010: no such cast; ML6011: a storage to be cast is viewed as another type as well.</exception>
    public static LoadView Of(Checkpoint checkpoint, DType? dtype = null)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        if (dtype is not DType to)
        {
            return new LoadView(checkpoint, null, checkpoint.Tensors, checkpoint.StorageLengths, []);
        }
        if (to is not (MemLoad.DType.Float32 or MemLoad.DType.Float16 or MemLoad.DType.BFloat16))
        {
            throw Rules.CastTargetUnsupported.Broken($"a cast to {to.TorchName()} was asked for");
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

    /// <summary>Views a checkpoint as it is.</summary>
    /// <param name="checkpoint">What is loaded.</param>
    public static implicit operator LoadView(Checkpoint checkpoint) => Of(checkpoint);

    /// <summary>Views a checkpoint as it is, as the conversion does.</summary>
    /// <param name="checkpoint">What is loaded.</param>
    public static LoadView FromCheckpoint(Checkpoint checkpoint) => Of(checkpoint);

    // By storage, from the views that have elements.
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
                    $"tensors {Printable.Quote(other.Name)} ({other.DType.TorchName()}) and {Printable.Quote(tensor.Name)} ({tensor.DType.TorchName()}) share memory "
                    + $"and cannot be cast to {to.TorchName()}", checkpoint.Files[storage.File].Path, storage.Offset);
            }
        }
        return casts;

        bool MustChange(TensorEntry tensor) => tensor.DType.IsFloatingPoint() && tensor.DType != to;
    }
}
