namespace MemLoad;

/// <summary>A list, tuple or set.</summary>
internal sealed class PickleSequence(PickleSequenceKind kind, object?[] items)
{
    /// <summary>Bytes of one value, without its items.</summary>
    public const int Overhead = 64;

    /// <summary>The empty tuple, which is shared.</summary>
    public static readonly PickleSequence EmptyTuple = new(PickleSequenceKind.Tuple, []) { IsKept = true };

    private object?[] _items = items;

    public PickleSequenceKind Kind { get; } = kind;

    public int Count { get; private set; } = items.Length;

    /// <summary>True if the pickle may use the value a second time. Otherwise only one value refers to it.</summary>
    public bool IsKept { get; set; }

    /// <summary>True if an object of the file holds the value, so that code could change it if it is mutable.</summary>
    public bool IsHeld { get; set; }

    /// <summary>True if items can be added or replaced.</summary>
    public bool IsMutable => Kind is PickleSequenceKind.List or PickleSequenceKind.Set or PickleSequenceKind.ByteArray;

    public ReadOnlySpan<object?> Items => _items.AsSpan(0, Count);

    /// <summary>Reuses a tuple that was not memoized and is no longer needed, for a tuple with the same number of items.</summary>
    public void Reuse(ReadOnlySpan<object?> items)
    {
        items.CopyTo(_items);
        IsHeld = false;
    }

    /// <summary>
    /// Returns a copy, as the constructors of Python do. Items that are added to one sequence later are not in the other.
    /// </summary>
    public static PickleSequence Copy(PickleSequenceKind kind, ReadOnlySpan<object?> items, FileBudget budget)
    {
        budget.Spend(Overhead + ((long)sizeof(long) * items.Length));
        return new PickleSequence(kind, items.ToArray());
    }

    /// <summary>Adds items at the end.</summary>
    public void Add(ReadOnlySpan<object?> more, FileBudget budget)
    {
        int count = checked(Count + more.Length);
        if (count > _items.Length)
        {
            int capacity = Math.Max(count, (int)Math.Min(Array.MaxLength, 2L * Count));
            budget.Spend(32 + ((long)sizeof(long) * capacity));
            Array.Resize(ref _items, capacity);
        }
        more.CopyTo(_items.AsSpan(Count));
        Count = count;
    }
}

internal enum PickleSequenceKind
{
    List,
    Tuple,
    Set,
    FrozenSet,
    ByteArray,
    /// <summary>torch.Size: a tuple of whole numbers with a separate type.</summary>
    Size,
}
