using System.Collections.Immutable;

namespace MemLoad;

/// <summary>A cast of the elements of a storage during the load.</summary>
/// <param name="From">The type in the file.</param>
/// <param name="To">The type in memory.</param>
internal readonly record struct StorageCast(DType From, DType To)
{
    /// <summary>Returns the bytes in memory of elements with this number of bytes in the file.</summary>
    public long TargetBytes(long bytes) => checked(bytes / From.ElementSize() * To.ElementSize());
}

/// <summary>The tensors of a checkpoint in memory. They are as in the file, or tensors with floating-point types are cast.</summary>
public sealed class LoadTarget
{
    // Empty if there is no cast.
    private readonly ImmutableArray<StorageCast?> _casts;

    internal LoadTarget(DType? dtype, ImmutableArray<TensorEntry> tensors, ImmutableArray<long> storageLengths, ImmutableArray<StorageCast?> casts)
    {
        DType = dtype;
        Tensors = tensors;
        StorageLengths = storageLengths;
        _casts = casts;
    }

    /// <summary>The requested cast. Null if all tensors keep the type of the file.</summary>
    public DType? DType { get; }

    /// <summary>The tensors with the names, shapes, strides and storages of the checkpoint, and with their types in memory.</summary>
    public ImmutableArray<TensorEntry> Tensors { get; }

    /// <summary>Bytes of each storage in memory.</summary>
    public ImmutableArray<long> StorageLengths { get; }

    /// <summary>M: bytes of all storages in memory.</summary>
    public long ModelBytes => StorageLengths.Sum();

    /// <summary>L: bytes of the largest storage in memory.</summary>
    public long LargestBytes => StorageLengths.IsEmpty ? 0 : StorageLengths.Max();

    /// <summary>True if a tensor is cast.</summary>
    internal bool HasCasts => !_casts.IsEmpty;

    /// <summary>The cast of a storage. Null if its elements are not cast.</summary>
    internal StorageCast? CastOf(int storage) => _casts.IsEmpty ? null : _casts[storage];
}
