namespace MemLoad;

/// <summary>The class of a storage in a persistent id. UntypedStorage has no dtype.</summary>
internal sealed record StorageType(DType? DType, bool IsQuantized = false);

/// <summary>A persistent id in a pickle: a storage, and the type that this reference gives it.</summary>
internal sealed class StorageReference
{
    /// <summary>Bytes of one, and of a storage.</summary>
    public const int Overhead = 72;

    public Storage Storage { get; private set; }

    /// <summary>Null for an untyped storage.</summary>
    public DType? DType { get; private set; }

    /// <summary>Whether it has numbers of a quantized tensor, which no plain tensor may have.</summary>
    public bool IsQuantized { get; private set; }

    /// <summary>True if the pickle may use the value a second time. Otherwise only one value refers to it.</summary>
    public bool IsKept { get; set; }

    /// <summary>Makes this a reference to a storage.</summary>
    public void Set(Storage storage, StorageType type) =>
        (Storage, DType, IsQuantized) = (storage, type.DType, type.IsQuantized);
}
