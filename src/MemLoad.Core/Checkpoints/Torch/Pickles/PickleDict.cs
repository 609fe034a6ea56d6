namespace MemLoad;

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
