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

/// <summary>The tensors of a checkpoint as they will lie in memory: as in the file, or those of floating-point types cast to another.</summary>
public sealed class LoadTarget
{
    // Empty where nothing is cast.
    private readonly ImmutableArray<StorageCast?> _casts;

    internal LoadTarget(DType? dtype, ImmutableArray<TensorEntry> tensors, ImmutableArray<long> storageLengths, ImmutableArray<StorageCast?> casts)
    {
        DType = dtype;
        Tensors = tensors;
        StorageLengths = storageLengths;
        _casts = casts;
    }

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
}
