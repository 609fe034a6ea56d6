namespace MemLoad;

/// <summary>The storages that a pickle names with persistent ids. Every reference to a storage must have the same description.</summary>
/// <param name="budget">The budget that is charged with each storage.</param>
/// <param name="numbers">The limit of the keys that are numbers of records. Their storages are found by their number.</param>
internal sealed class StorageReferences(FileBudget budget, int numbers)
{
    // The storages with numbers are first, by their number. The others follow.
    private StorageFacts[] _facts = Places(numbers, budget);
    private readonly Dictionary<string, int> _placeOfKey = new(StringComparer.Ordinal);
    private readonly List<string> _keys = [];
    private int _numberCount;
    private StorageReference? _spare;

    // Keys of storages whose class is not known.
    private HashSet<string>? _held;

    /// <summary>The current number of storages.</summary>
    public int Count => _numberCount + _keys.Count;

    /// <summary>Reads a persistent id.</summary>
    /// <exception cref="MemLoadException">ML3004 to ML3006; ML2013 if an earlier reference has another description.</exception>
    public StorageReference Add(object? persistentId)
    {
        budget.Spend(StorageReference.Overhead);
        (string key, StorageType type, long count) = Parse(persistentId);
        int place = Place(key);
        ref StorageFacts known = ref _facts[place];
        if (!known.IsKnown)
        {
            _numberCount += place < numbers ? 1 : 0;
            known = new StorageFacts(type.DType, count, type.IsQuantized) { IsHeld = _held?.Contains(key) == true };
        }
        // Empty storages cannot be distinguished, so in PyTorch each tensor can have its own type for an empty storage.
        if (!known.IsLike(type.DType, count, type.IsQuantized) && (known.Count > 0 || count > 0))
        {
            throw Rules.StorageLengthMismatch.Broken($"the pickle describes storage {Printable.Quote(key)} in two ways", budget.Path);
        }
        // The bytes of some references can be numbers, of which nothing tells the size.
        known.DType = type.DType is null && known.DType == DType.UInt8 ? null : known.DType;
        StorageReference reference = _spare ?? new StorageReference();
        _spare = null;
        reference.Set(new Storage(this, place), type);
        return reference;
    }

    /// <summary>Takes back a reference that is no longer used, so that another storage can use it.</summary>
    public void Reuse(StorageReference reference) => _spare = reference;

    /// <summary>Marks the storage of a key as held by an object, whether it was described before or will be.</summary>
    public void Hold(string key)
    {
        budget.Spend(FileBudget.GrowingEntry + FileBudget.Hashing(key.Length));
        (_held ??= new HashSet<string>(StringComparer.Ordinal)).Add(key);
        if (Find(key) is Storage known)
        {
            known.Facts.IsHeld = true;
        }
    }

    /// <summary>Returns the storage of a key, or null.</summary>
    public Storage? Find(string key)
    {
        int place = WholeNumber.Of(key.AsSpan(), numbers);
        return (place >= 0 || _placeOfKey.TryGetValue(key, out place)) && _facts[place].IsKnown ? new Storage(this, place) : null;
    }

    /// <summary>The facts about the storage at a place. The reference is valid until the next storage is added.</summary>
    public ref StorageFacts FactsAt(int place) => ref _facts[place];

    /// <summary>The key of the storage at a place, if that is the number of a record; -1 otherwise.</summary>
    public int NumberAt(int place) => place < numbers ? place : -1;

    /// <summary>The key of the storage at a place.</summary>
    public string KeyAt(int place) => place < numbers ? place.ToString(CultureInfo.InvariantCulture) : _keys[place - numbers];

    // A persistent id: ("storage", type, key, location, count[, view]).
    private (string Key, StorageType Type, long Count) Parse(object? persistentId)
    {
        if (persistentId is PickleSequence { Items: [string kind, ..] } && kind == "module")
        {
            throw Rules.PickledModule.Broken("the file contains a pickled module with its source code, not a state dict", budget.Path);
        }
        if (persistentId
                is not PickleSequence
                {
                    Kind: PickleSequenceKind.Tuple,
                    Items: ["storage", StorageType type, string key, string location, long count, ..] items
                }
            || items.Length > 6
            || (items.Length == 6 && items[5] is not null))
        {
            throw Rules.PickleArguments.Broken("a persistent id does not name a storage in the form that PyTorch writes", budget.Path);
        }
        if (count < 0 || count > long.MaxValue / (type.DType?.ElementSize() ?? 1))
        {
            throw Rules.PickleArguments.Broken($"a persistent id gives storage {Printable.Quote(key)} {count} elements", budget.Path);
        }
        if (location == "meta")
        {
            throw Rules.TensorKind.Broken("the checkpoint contains a meta tensor, which has no data", budget.Path);
        }
        return (key, type, count);
    }

    private static StorageFacts[] Places(int count, FileBudget budget)
    {
        budget.Spend((long)StorageFacts.Bytes * count);
        return new StorageFacts[count];
    }

    private int Place(string key)
    {
        if (WholeNumber.Of(key.AsSpan(), numbers) is int number and >= 0)
        {
            return number;
        }
        budget.Spend(FileBudget.Hashing(key.Length));
        ref int place = ref CollectionsMarshal.GetValueRefOrAddDefault(_placeOfKey, key, out bool exists);
        if (!exists)
        {
            budget.Spend(FileBudget.GrowingEntry + (4 * (sizeof(long) + StorageFacts.Bytes)));
            place = numbers + _keys.Count;
            _keys.Add(key);
            if (place == _facts.Length)
            {
                Array.Resize(ref _facts, place + Math.Max(_keys.Count, 4));
            }
        }
        return place;
    }
}
