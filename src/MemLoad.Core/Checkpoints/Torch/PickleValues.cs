using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace MemLoad;

// What a pickle can say, as records. None, bool, long, BigInteger, double, string and byte[] stand for themselves.

/// <summary>A name that the pickle asked for and the allow-list knows, such as <c>torch._utils._rebuild_tensor_v2</c>.</summary>
internal sealed record PickleGlobal(string Name);

/// <summary>A constant of PyTorch: a dtype, a layout, a device. <paramref name="Repr"/> is what Python prints for it.</summary>
internal sealed record TorchConstant(string Repr);

/// <summary>Bytes that protocol 2 writes as text, each character one byte. Made into bytes only where they are read: a call costs nothing.</summary>
internal sealed record LatinText(string Text);

/// <summary>A list, tuple or set.</summary>
internal sealed class PickleSequence(PickleSequenceKind kind, object?[] items)
{
    /// <summary>Bytes that one takes, items apart.</summary>
    public const int Overhead = 64;

    /// <summary>The tuple of nothing, one for all.</summary>
    public static readonly PickleSequence EmptyTuple = new(PickleSequenceKind.Tuple, []) { IsKept = true };

    private object?[] _items = items;

    public PickleSequenceKind Kind { get; } = kind;

    public int Count { get; private set; } = items.Length;

    /// <summary>True once the pickle may use it a second time. Else it is gone with the one value that it is part of.</summary>
    public bool IsKept { get; set; }

    public ReadOnlySpan<object?> Items => _items.AsSpan(0, Count);

    /// <summary>Makes an unkept tuple that nobody needs any more into another of as many items.</summary>
    public void Reuse(ReadOnlySpan<object?> items) => items.CopyTo(_items);

    /// <summary>The same items as a sequence of another kind; what is added to either later is not in the other.</summary>
    public PickleSequence As(PickleSequenceKind kind)
    {
        IsKept = true; // its items are in use twice
        return new PickleSequence(kind, _items) { Count = Count, IsKept = true };
    }

    /// <summary>Adds items at the end.</summary>
    public void Add(ReadOnlySpan<object?> more, OpenBudget budget, string path)
    {
        int count = checked(Count + more.Length);
        if (count > _items.Length)
        {
            int capacity = Math.Max(count, (int)Math.Min(Array.MaxLength, 2L * Count));
            budget.Spend(32 + ((long)sizeof(long) * capacity), path);
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
}

/// <summary>A dict, OrderedDict, defaultdict or Counter, in insertion order.</summary>
internal sealed class PickleDict
{
    /// <summary>Bytes that an empty one takes.</summary>
    public const int Overhead = 32;

    // Bytes that the first three entries take, and what holds them.
    private const int FirstEntries = 256;

    private static readonly IReadOnlyList<KeyValuePair<string, object?>> Nothing = [];

    // Most dicts of a checkpoint are the empty hooks of its tensors.
    private OrderedDictionary<string, object?>? _items;
    private HashSet<string>? _otherKeys;

    /// <summary>Entries under the text Python prints for their key (a string itself, <c>str()</c> of anything else).</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Items => _items ?? Nothing;

    /// <summary>
    /// Sets an entry; the last one wins, as in Python. False if the key has no name, or has the name of another key that Python tells from it,
    /// such as 1 and '1': one of the two would be lost.
    /// </summary>
    public bool TrySet(object? key, object? value, OpenBudget budget, string path)
    {
        bool isText = key is string;
        if (PythonText.Key(key) is not string name)
        {
            return false;
        }
        budget.Spend(OpenBudget.Hashing(name.Length), path);
        if (_items is null)
        {
            budget.Spend(FirstEntries, path);
            _items = new OrderedDictionary<string, object?>(StringComparer.Ordinal);
        }
        else if (_items.Count == _items.Capacity)
        {
            budget.Spend(3L * OpenBudget.EntryBytes * _items.Count, path);
        }
        if (!isText)
        {
            budget.Spend(OpenBudget.GrowingEntry + (4L * OpenBudget.Text(name.Length)), path);
        }
        bool wasText = _otherKeys?.Contains(name) != true;
        if (isText != wasText && _items.ContainsKey(name))
        {
            return false;
        }
        if (!isText)
        {
            (_otherKeys ??= new HashSet<string>(StringComparer.Ordinal)).Add(name);
        }
        _items[name] = value;
        return true;
    }

    public object? Get(string key) => _items?.GetValueOrDefault(key);
}

/// <summary>A storage by its persistent id. The dtype is null for an untyped storage, whose count is in bytes.</summary>
internal sealed class StorageReference(string key, DType? dtype, long count)
{
    /// <summary>Bytes that one takes.</summary>
    public const int Overhead = 64;

    public string Key { get; } = key;

    public DType? DType { get; } = dtype;

    public long Count { get; } = count;

    public long Bytes => checked(Count * (DType?.ElementSize() ?? 1));

    /// <summary>Its index in the checkpoint under construction; -1 until it is found in the file.</summary>
    public int Index { get; set; } = -1;

    public bool IsLike(StorageReference other) => Key == other.Key && DType == other.DType && Count == other.Count;
}

/// <summary>A tensor as the pickle describes it: a view of a storage.</summary>
internal sealed record TensorReference(
    StorageReference Storage, DType DType, long Offset, ImmutableArray<long> Shape, ImmutableArray<long> Strides, LazyView LazyView)
{
    /// <summary>Bytes that one takes, dimensions apart.</summary>
    public const int Overhead = 72;
}

/// <summary>Text forms of values as Python's <c>str</c> and <c>repr</c> give them.</summary>
internal static class PythonText
{
    private const int DeepestRepr = 8;
    private const int MostItems = 100;
    private const int LongestRepr = 4096;

    /// <summary>What Python prints for a key; null for one that is no name: a container too long to write out.</summary>
    public static string? Key(object? value)
    {
        string text = value as string ?? Repr(value);
        return value is string || text.Length <= LongestRepr ? text : null;
    }

    /// <summary>What Python prints, as far as about 4,096 characters.</summary>
    public static string Repr(object? value)
    {
        var text = new StringBuilder();
        Write(text, value, 0);
        return text.Length > LongestRepr ? text.Append("...").ToString() : text.ToString();
    }

    /// <summary>The shortest text that reads back as the same number, with Python's notation.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.Contains('E', StringComparison.Ordinal) || text.Contains('.', StringComparison.Ordinal) ? text.Replace('E', 'e') : text + ".0";
    }

    // Shared containers can make a text of any length out of a short pickle: once it is too long nothing more is looked at.
    private static void Write(StringBuilder text, object? value, int depth)
    {
        if (text.Length > LongestRepr)
        {
            return;
        }
        switch (value)
        {
            case PickleDict or PickleSequence when depth > DeepestRepr:
                text.Append("...");
                break;
            case PickleDict dict:
                text.Append('{');
                for (int i = 0; Begin(text, i, dict.Items.Count); i++)
                {
                    Append(text, Quote(Cut(dict.Items[i].Key)));
                    text.Append(": ");
                    Write(text, dict.Items[i].Value, depth + 1);
                }
                text.Append('}');
                break;
            case PickleSequence { Kind: PickleSequenceKind.Set, Count: 0 }:
                text.Append("set()");
                break;
            case PickleSequence sequence:
                (string before, string after) = Brackets(sequence);
                text.Append(before);
                for (int i = 0; Begin(text, i, sequence.Count); i++)
                {
                    Write(text, sequence.Items[i], depth + 1);
                }
                text.Append(after);
                break;
            default:
                Append(text, Scalar(value));
                break;
        }
    }

    // Whether item i is written, and what stands before it.
    private static bool Begin(StringBuilder text, int i, int count)
    {
        if (i >= Math.Min(count, MostItems) || text.Length > LongestRepr)
        {
            return false;
        }
        text.Append(i > 0 ? ", " : "");
        return true;
    }

    private static void Append(StringBuilder text, string part) => text.Append(part, 0, Math.Min(part.Length, LongestRepr + 1));

    private static string Cut(string text) => text.Length > LongestRepr ? text[..LongestRepr] : text;

    private static string Scalar(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        double number => Number(number),
        Complex number => $"({(number.Real == 0 ? "" : Short(number.Real) + (number.Imaginary < 0 ? "" : "+"))}{Short(number.Imaginary)}j)",
        string text => Quote(Cut(text)),
        byte[] bytes => Quote(bytes.AsSpan(0, Math.Min(bytes.Length, LongestRepr))),
        LatinText latin => Quote(Encoding.Latin1.GetBytes(Cut(latin.Text))),
        TorchConstant constant => constant.Repr,
        PickleGlobal global => $"<{global.Name}>",
        TensorReference => "<tensor>",
        StorageReference => "<storage>",
        _ => "<value>",
    };

    private static (string Before, string After) Brackets(PickleSequence sequence) => sequence.Kind switch
    {
        PickleSequenceKind.Tuple => ("(", sequence.Count == 1 ? ",)" : ")"),
        PickleSequenceKind.Set => ("{", "}"),
        PickleSequenceKind.FrozenSet => ("frozenset({", "})"),
        PickleSequenceKind.ByteArray => ("bytearray(", ")"),
        _ => ("[", "]"),
    };

    // Inside a complex number Python leaves out the ".0".
    private static string Short(double value)
    {
        string text = Number(value);
        return text.EndsWith(".0", StringComparison.Ordinal) ? text[..^2] : text;
    }

    private static string Quote(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";

    private static string Quote(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("b'");
        foreach (byte b in bytes)
        {
            _ = b switch
            {
                (byte)'\\' or (byte)'\'' => text.Append('\\').Append((char)b),
                (byte)'\n' => text.Append("\\n"),
                (byte)'\r' => text.Append("\\r"),
                (byte)'\t' => text.Append("\\t"),
                >= 0x20 and < 0x7f => text.Append((char)b),
                _ => text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}"),
            };
        }
        return text.Append('\'').ToString();
    }
}
