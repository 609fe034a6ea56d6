namespace MemLoad;

/// <summary>A storage that a pickle names: its place among them.</summary>
/// <param name="References">The storages of the pickle.</param>
/// <param name="Place">The place.</param>
internal readonly record struct Storage(StorageReferences References, int Place)
{
    /// <summary>The facts about it.</summary>
    public ref StorageFacts Facts => ref References.FactsAt(Place);

    /// <summary>The key.</summary>
    public string Key => References.KeyAt(Place);

    /// <summary>The key, if that is the number of a record; -1 otherwise.</summary>
    public int Number => References.NumberAt(Place);
}

/// <summary>The facts about a storage. An array has one item per storage, so the type is small.</summary>
/// <param name="dtype">The type of the elements; null for an untyped storage, whose count is in bytes.</param>
/// <param name="count">The number of elements.</param>
/// <param name="isQuantized">Whether it has numbers of a quantized tensor.</param>
internal struct StorageFacts(DType? dtype, long count, bool isQuantized)
{
    /// <summary>The bytes of one item.</summary>
    public const int Bytes = 16;

    // The items of a new array are 0, which means that there is no count and no index.
    private readonly long _otherCount = ~count;
    private int _otherIndex;
    private readonly bool _isQuantized = isQuantized;

    /// <summary>True if an object of the file holds it, so that code could change its bytes.</summary>
    public bool IsHeld { get; set; }

    /// <summary>The type of the elements; null for an untyped storage, whose count is in bytes.</summary>
    public DType? DType { get; set; } = dtype;

    /// <summary>Whether the pickle has described the storage.</summary>
    public readonly bool IsKnown => _otherCount != 0;

    public readonly long Count => ~_otherCount;

    /// <summary>Its bytes.</summary>
    public readonly long Length => checked(Count * (DType?.ElementSize() ?? 1));

    /// <summary>The index in the checkpoint under construction. -1 until the storage is found in the file.</summary>
    public int Index
    {
        readonly get => ~_otherIndex;
        set => _otherIndex = ~value;
    }

    /// <summary>Whether another description is equal. PyTorch reads an untyped storage as one of bytes.</summary>
    public readonly bool IsLike(DType? dtype, long count, bool isQuantized) =>
        (DType ?? MemLoad.DType.UInt8) == (dtype ?? MemLoad.DType.UInt8) && Count == count && _isQuantized == isQuantized;
}
