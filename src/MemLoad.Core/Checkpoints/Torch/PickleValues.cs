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
internal sealed class PickleSequence(PickleSequenceKind kind, List<object?> items)
{
    public PickleSequenceKind Kind { get; } = kind;

    public List<object?> Items { get; } = items;
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
    private readonly OrderedDictionary<string, object?> _items = new(StringComparer.Ordinal);
    private HashSet<string>? _otherKeys;

    /// <summary>Entries under the text Python prints for their key (a string itself, <c>str()</c> of anything else).</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Items => _items;

    /// <summary>
    /// Sets an entry; the last one wins, as in Python. False if the key has no name, or has the name of another key that Python tells from it,
    /// such as 1 and '1': one of the two would be lost.
    /// </summary>
    public bool TrySet(object? key, object? value)
    {
        if (PythonText.Key(key) is not string name)
        {
            return false;
        }
        bool isText = key is string;
        bool wasText = _otherKeys?.Contains(name) != true;
        if (_items.ContainsKey(name) && isText != wasText)
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

    public object? Get(string key) => _items.GetValueOrDefault(key);
}

/// <summary>A storage by its persistent id. <see cref="DType"/> is null for an untyped storage, whose count is in bytes.</summary>
internal sealed record StorageReference(string Key, DType? DType, long Count)
{
    public long Bytes => checked(Count * (DType?.ElementSize() ?? 1));
}

/// <summary>A tensor as the pickle describes it: a view of a storage.</summary>
internal sealed record TensorReference(
    StorageReference Storage, DType DType, long Offset, ImmutableArray<long> Shape, ImmutableArray<long> Strides, LazyView LazyView);

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
                WriteItems(text, dict.Items, item =>
                {
                    Append(text, Quote(Cut(item.Key)));
                    text.Append(": ");
                    Write(text, item.Value, depth + 1);
                });
                text.Append('}');
                break;
            case PickleSequence { Kind: PickleSequenceKind.Set, Items.Count: 0 }:
                text.Append("set()");
                break;
            case PickleSequence sequence:
                (string before, string after) = Brackets(sequence);
                text.Append(before);
                WriteItems(text, sequence.Items, item => Write(text, item, depth + 1));
                text.Append(after);
                break;
            default:
                Append(text, Scalar(value));
                break;
        }
    }

    private static void WriteItems<T>(StringBuilder text, IReadOnlyList<T> items, Action<T> write)
    {
        for (int i = 0; i < Math.Min(items.Count, MostItems) && text.Length <= LongestRepr; i++)
        {
            if (i > 0)
            {
                text.Append(", ");
            }
            write(items[i]);
        }
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
        PickleSequenceKind.Tuple => ("(", sequence.Items.Count == 1 ? ",)" : ")"),
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
