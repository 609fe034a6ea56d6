namespace MemLoad;

// The values of a pickle, as records. None, bool, long, BigInteger, double, string and byte[] represent themselves.

/// <summary>A global name of the allowlist, such as <c>torch._utils._rebuild_tensor_v2</c>.</summary>
internal sealed record PickleGlobal(string Name);

/// <summary>A constant of PyTorch: a dtype, a layout, a device.</summary>
/// <param name="Repr">The result of <c>repr</c> in Python.</param>
internal sealed record TorchConstant(string Repr)
{
    /// <summary>The result of <c>str</c> in Python, if it differs.</summary>
    public string Text { get; init; } = Repr;
}

/// <summary>A tensor that is not a plain tensor with data. It is refused if it is selected. The rest of the file can be read.</summary>
/// <param name="Kind">The kind of tensor, such as <c>a sparse tensor</c>.</param>
/// <param name="At">The position in the pickle at which it is created.</param>
internal sealed record RefusedTensor(string Kind, long At)
{
    /// <summary>The values from which it is created; null if they are not needed.</summary>
    public PickleSequence? Arguments { get; init; }
}

/// <summary>An element type of numpy by its code, such as <c>f8</c>.</summary>
internal sealed record NumpyType(string Code)
{
    private const int BytesOfCharacter = 4; // of text, which numpy stores as UTF-32

    /// <summary>True if an object has it or its state is not plain. Its code may then no longer be that of its elements.</summary>
    public bool IsHeld { get; set; }

    /// <summary>The bytes of a text (<c>U3</c>) or of bytes (<c>S3</c>); 0 for other types.</summary>
    public int TextBytes =>
        Code is ['S' or 'U', ..] && ushort.TryParse(Code.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort count)
            ? Code[0] == 'U'
                ? BytesOfCharacter * count
                : count
            : 0;
}

/// <summary>
/// Bytes that protocol 2 writes as text, with one character per byte. They are converted only when they are read, so a call needs no
/// memory.
/// </summary>
internal sealed record LatinText(string Text);

/// <summary>An object that can be the key of a dict.</summary>
internal interface IPickleKey
{
    /// <summary>
    /// A text that is equal for two keys if and only if they are equal in Python. Null if the object cannot be a key yet.
    /// </summary>
    string? Identity { get; }
}

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

/// <summary>The mapping types of Python, which accept different attributes.</summary>
internal enum PickleDictKind
{
    Dict,
    OrderedDict,
    DefaultDict,
    Counter,
}

/// <summary>
/// A dict, OrderedDict, defaultdict or Counter, in insertion order. Keys are equal if they are equal in Python: 1, 1.0 and True are one
/// key.
/// </summary>
internal sealed class PickleDict(PickleDictKind kind)
{
    /// <summary>Bytes of an empty mapping.</summary>
    public const int Overhead = 48;

    // Bytes of the first three entries and their table.
    private const int FirstEntries = 240;

    private static readonly IReadOnlyList<KeyValuePair<string, object?>> Nothing = [];

    // Most dicts of a checkpoint are empty hooks of tensors.
    private OrderedDictionary<string, object?>? _items;

    // Null if all keys are text, or all are whole numbers.
    private OtherKeys? _others;

    // True while every key is a whole number. Its digits are its identity and its name, so an id map needs no more than its entries.
    private bool _isNumbered;

    public PickleDictKind Kind { get; } = kind;

    /// <summary>True if the pickle may use the value a second time. Otherwise only one value refers to it.</summary>
    public bool IsKept { get; set; }

    /// <summary>True if an object of the file holds the value, so that code could change it.</summary>
    public bool IsHeld { get; set; }

    /// <summary>The number of entries that the dict will have, if the rest of the pickle is like the part before.</summary>
    public long ExpectedCount { get; set; }

    /// <summary>True if an object is a key. Its class decides which keys it is equal to, so none of the entries is certain.</summary>
    public bool HasObjectKey { get; set; }

    /// <summary>Entries by the text of their key in Python: a string itself, otherwise the result of <c>str()</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Items => _items ?? Nothing;

    /// <summary>True if all keys are text.</summary>
    public bool HasTextKeysOnly => _others is null && !_isNumbered;

    /// <summary>True if no key is text.</summary>
    public bool HasNoTextKeys => _isNumbered || (_others?.Names.Count ?? 0) == Items.Count;

    /// <summary>True if two keys have one name, such as 1 and '1'. Both entries are kept: see <see cref="NameOf"/>.</summary>
    public bool HasRepeatedNames => _others?.Apart is not null;

    /// <summary>The name of the key of an entry, as <see cref="Items"/> has it.</summary>
    public string NameOf(string key) => _others?.Apart?.Contains(key) == true ? key[..^1] : key;

    /// <summary>
    /// Sets an entry. The last value and the first key are kept, as in Python. Returns false if the key cannot be hashed or has no name.
    /// Also returns false if two other keys of Python have the same name, because one entry would be lost.
    /// </summary>
    public bool TrySet(object? key, object? value, FileBudget budget)
    {
        if (_items is null)
        {
            budget.Spend(FirstEntries);
            _items = new OrderedDictionary<string, object?>(StringComparer.Ordinal);
        }
        else if (_items.Count == _items.Capacity)
        {
            // The capacity is the number of entries that the pickle is expected to have. A wrong estimate costs little: two to four times
            // the real number.
            int capacity = (int)Math.Clamp(ExpectedCount, 2L * _items.Count, 4L * _items.Count);
            budget.Spend((FileBudget.EntryBytes * (long)capacity) + (FileBudget.EntryBytes * (long)_items.Count));
            _items.EnsureCapacity(capacity);
        }
        if (key is long number && (_isNumbered || _items.Count == 0))
        {
            _isNumbered = true;
            string digits = number.ToString(CultureInfo.InvariantCulture);
            budget.Spend(FileBudget.Text(digits.Length) + FileBudget.Hashing(digits.Length));
            _items[digits] = value;
            return true;
        }
        if (_isNumbered)
        {
            _isNumbered = false;
            budget.Spend(OtherKeys.Overhead + ((long)FileBudget.GrowingEntry * _items.Count));
            _others = new OtherKeys(_items.Keys);
        }
        string? name = key is string text ? TextName(text, budget) : OtherName(key, budget);
        if (name is null)
        {
            return false;
        }
        budget.Spend(FileBudget.Hashing(name.Length));
        _items[name] = value;
        return true;
    }

    public object? Get(string key) => _items?.GetValueOrDefault(key);

    public bool Contains(string key) => _items?.ContainsKey(key) == true;

    /// <summary>Empties a dict for another use. Returns false if it is so large that this would cost more than a new one.</summary>
    public bool TryClear()
    {
        const int Most = 16;
        if (_items?.Capacity > Most || _others is not null)
        {
            return false;
        }
        IsHeld = false;
        HasObjectKey = false;
        _isNumbered = false;
        _items?.Clear();
        return true;
    }

    /// <summary>Returns a copy, as the constructors of Python do. Entries that are set in one dict later are not in the other.</summary>
    public static PickleDict Copy(PickleDictKind kind, PickleDict source, FileBudget budget)
    {
        var copy = new PickleDict(kind) { _isNumbered = source._isNumbered };
        if (source._items is { Count: > 0 } items)
        {
            budget.Spend(FirstEntries + (3L * FileBudget.EntryBytes * items.Count));
            copy._items = new OrderedDictionary<string, object?>(items, StringComparer.Ordinal);
        }
        if (source._others is { } others)
        {
            int entries = others.Names.Count + (others.NameOf?.Count ?? 0) + (others.Apart?.Count ?? 0);
            budget.Spend(OtherKeys.Overhead + ((long)FileBudget.GrowingEntry * entries));
            copy._others = new OtherKeys(others.Names)
            {
                NameOf = others.NameOf is null ? null : new Dictionary<string, string>(others.NameOf, StringComparer.Ordinal),
                Apart = others.Apart is null ? null : new HashSet<string>(others.Apart, StringComparer.Ordinal),
            };
        }
        return copy;
    }

    // The name of a key that is text, under which it is stored. Null if it is lost among others.
    private string? TextName(string text, FileBudget budget) =>
        _others is null ? text
        : _others.Names.Contains(text) ? Apart(text, isText: true, budget)
        : _others.Apart?.Contains(text) == true ? null : text;

    // A name with a mark after it. Null if another key has that, too.
    private string? Apart(string name, bool isText, FileBudget budget)
    {
        budget.Spend(FileBudget.GrowingEntry + (2 * FileBudget.Text(name.Length + 1)));
        string apart = name + '\0';
        if (_items!.ContainsKey(apart) && !(isText && _others?.Apart?.Contains(apart) == true && !_others.Names.Contains(apart)))
        {
            return null;
        }
        OtherKeys others = Others(budget);
        (others.Apart ??= new HashSet<string>(StringComparer.Ordinal)).Add(apart);
        return apart;
    }

    // The name of a key that is not text: the name of an equal key that is stored, or its own name. Null if it has no name.
    private string? OtherName(object? key, FileBudget budget)
    {
        if (PythonKey.Identity(key, budget) is not string identity)
        {
            return null;
        }
        string? name = null;
        // The digits of a whole number are its identity and its name. No other name is the identity of another key.
        if (_others?.NameOf?.TryGetValue(identity, out name) == true || _others?.Names.TryGetValue(identity, out name) == true)
        {
            return name;
        }
        name = key is long ? identity : PythonText.Key(key);
        if (name is not null && _items!.ContainsKey(name))
        {
            name = Apart(name, isText: false, budget);
        }
        if (name is null)
        {
            return null;
        }
        budget.Spend(FileBudget.GrowingEntry + (key is long ? 0 : 4 * FileBudget.Text(name.Length)));
        OtherKeys others = Others(budget);
        others.Names.Add(name);
        if (!ReferenceEquals(name, identity))
        {
            budget.Spend(FileBudget.GrowingEntry);
            (others.NameOf ??= new Dictionary<string, string>(StringComparer.Ordinal)).Add(identity, name);
        }
        return name;
    }

    private OtherKeys Others(FileBudget budget)
    {
        if (_others is null)
        {
            budget.Spend(OtherKeys.Overhead);
            _others = new OtherKeys([]);
        }
        return _others;
    }

    /// <summary>The keys that are not text. A separate object, because most dicts have none.</summary>
    /// <param name="names">Their names.</param>
    private sealed class OtherKeys(IEnumerable<string> names)
    {
        /// <summary>Bytes of the object and of its empty set of names.</summary>
        public const int Overhead = 104;

        /// <summary>The names under which the keys are stored.</summary>
        public HashSet<string> Names { get; } = new(names, StringComparer.Ordinal);

        /// <summary>The name of a key by its identity, if they are different.</summary>
        public Dictionary<string, string>? NameOf { get; set; }

        /// <summary>The names of entries whose own name is that of another key, such as 1 and '1'.</summary>
        public HashSet<string>? Apart { get; set; }
    }
}

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

/// <summary>A tensor as the pickle describes it: a view of a storage.</summary>
internal sealed record TensorReference(
    StorageReferences Storages, int Place, DType DType, long Offset, ImmutableArray<long> Shape, ImmutableArray<long> Strides,
    LazyView LazyView)
{
    /// <summary>Bytes of one record, without its dimensions.</summary>
    public const int Overhead = 72;

    /// <summary>The storage. Its two parts take less memory than one field of both.</summary>
    public Storage Storage => new(Storages, Place);

    /// <summary>True if an object of the file holds it.</summary>
    public bool IsHeld { get; set; }
}
