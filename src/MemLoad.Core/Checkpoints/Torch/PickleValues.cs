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

    /// <summary>Entries under the text Python prints for their key (a string itself, <c>str()</c> of anything else).</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Items => _items;

    /// <summary>Sets an entry; the last one wins, as in Python.</summary>
    public void Set(object? key, object? value) => _items[PythonText.Str(key)] = value;

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

    public static string Str(object? value) => value is string text ? text : Repr(value, 0);

    public static string Repr(object? value) => Repr(value, 0);

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

    private static string Repr(object? value, int depth) => value switch
    {
        _ when depth > DeepestRepr => "...",
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        double number => Number(number),
        Complex number => $"({(number.Real == 0 ? "" : Short(number.Real) + (number.Imaginary < 0 ? "" : "+"))}{Short(number.Imaginary)}j)",
        string text => Quote(text),
        byte[] bytes => Quote(bytes),
        TorchConstant constant => constant.Repr,
        PickleGlobal global => $"<{global.Name}>",
        TensorReference => "<tensor>",
        StorageReference => "<storage>",
        PickleDict dict => $"{{{string.Join(", ", dict.Items.Take(100).Select(item => $"{Quote(item.Key)}: {Repr(item.Value, depth + 1)}"))}}}",
        PickleSequence { Kind: PickleSequenceKind.Set, Items.Count: 0 } => "set()",
        PickleSequence { Kind: PickleSequenceKind.ByteArray } sequence => $"bytearray({Repr(sequence.Items[0], depth + 1)})",
        PickleSequence sequence => Enclose(sequence, string.Join(", ", sequence.Items.Take(100).Select(item => Repr(item, depth + 1)))),
        _ => "<value>",
    };

    private static string Enclose(PickleSequence sequence, string items) => sequence.Kind switch
    {
        PickleSequenceKind.Tuple => sequence.Items.Count == 1 ? $"({items},)" : $"({items})",
        PickleSequenceKind.Set => $"{{{items}}}",
        PickleSequenceKind.FrozenSet => $"frozenset({{{items}}})",
        _ => $"[{items}]",
    };

    // Inside a complex number Python leaves out the ".0".
    private static string Short(double value)
    {
        string text = Number(value);
        return text.EndsWith(".0", StringComparison.Ordinal) ? text[..^2] : text;
    }

    private static string Quote(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";

    private static string Quote(byte[] bytes)
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
