using System.Numerics;
using System.Text;

namespace MemLoad;

/// <summary>Text forms of values, as <c>str</c> and <c>repr</c> in Python.</summary>
internal static class PythonText
{
    private const int DeepestRepr = 8;
    private const int MostItems = 100;
    private const int LongestRepr = 4096;

    /// <summary>
    /// Returns the result of <c>str</c> in Python for a key. Null if the key is a container with a text that is too long.
    /// </summary>
    public static string? Key(object? value)
    {
        string text = value as string ?? (value as IPickleKey)?.Identity ?? (value as TorchConstant)?.Text ?? Repr(value);
        return value is string or IPickleKey || text.Length <= LongestRepr ? text : null;
    }

    /// <summary>Returns the text that Python prints, up to about 4,096 characters.</summary>
    public static string Repr(object? value)
    {
        var text = new StringBuilder();
        Write(text, value, 0);
        return text.Length > LongestRepr ? text.Append("...").ToString() : text.ToString();
    }

    /// <summary>Returns the shortest text for a number that reads as the same number, in the notation of Python.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }
        // The shortest digits of .NET, written as Python does: without an exponent from 0.0001 up to 10^16.
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        string sign = text[0] == '-' ? "-" : "";
        int exponentAt = text.IndexOf('E', StringComparison.Ordinal);
        string mantissa = text[sign.Length..(exponentAt < 0 ? text.Length : exponentAt)];
        int pointAt = mantissa.IndexOf('.', StringComparison.Ordinal);
        int power =
            (pointAt < 0 ? mantissa.Length : pointAt)
            + (exponentAt < 0 ? 0 : int.Parse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        power -= digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');
        if (digits.Length == 0)
        {
            return $"{sign}0.0";
        }
        const int wholeDigits = 16;
        return sign
            + power switch
            {
                > wholeDigits or < -3 =>
                    $"{digits[0]}{(digits.Length > 1 ? "." : "")}{digits[1..]}e{(power > 0 ? '+' : '-')}{Math.Abs(power - 1):00}",
                <= 0 => $"0.{new string('0', -power)}{digits}",
                _ when digits.Length <= power => $"{digits.PadRight(power, '0')}.0",
                _ => $"{digits[..power]}.{digits[power..]}",
            };
    }

    // Shared containers in a short pickle can give a text of any length. The loop stops when the text is too long.
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
                    Quote(text, dict.NameOf(dict.Items[i].Key));
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
            case string word:
                Quote(text, word);
                break;
            case byte[] bytes:
                Quote(text.Append('b'), bytes);
                break;
            case LatinText latin:
                Quote(text.Append('b'), Encoding.Latin1.GetBytes(Cut(latin.Text)));
                break;
            default:
                Append(text, Scalar(value));
                break;
        }
    }

    // Whether item i is written, and the separator before it.
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
        Complex number when number.Real == 0 && !double.IsNegative(number.Real) => $"{Short(number.Imaginary)}j",
        Complex number => $"({Short(number.Real)}{(Short(number.Imaginary)[0] == '-' ? "" : "+")}{Short(number.Imaginary)}j)",
        TorchConstant constant => constant.Repr,
        NumpyType type => $"dtype('{type.Code}')",
        PickleGlobal global => $"<{global.Name}>",
        TensorReference => "<tensor>",
        StorageReference => "<storage>",
        OpaqueObject opaque => $"<{opaque.Name}>",
        _ => "<value>",
    };

    private static (string Before, string After) Brackets(PickleSequence sequence) => sequence.Kind switch
    {
        PickleSequenceKind.Tuple => ("(", sequence.Count == 1 ? ",)" : ")"),
        PickleSequenceKind.Set => ("{", "}"),
        PickleSequenceKind.FrozenSet => ("frozenset({", "})"),
        PickleSequenceKind.ByteArray => ("bytearray(", ")"),
        PickleSequenceKind.Size => ("torch.Size([", "])"),
        _ => ("[", "]"),
    };

    // In a complex number Python omits the ".0".
    private static string Short(double value)
    {
        string text = Number(value);
        return text.EndsWith(".0", StringComparison.Ordinal) ? text[..^2] : text;
    }

    // Uses the quotes of Python and its escapes for characters that it does not print. Stops when the text is too long.
    private static void Quote(StringBuilder text, string word)
    {
        char quote = word.Contains('\'', StringComparison.Ordinal) && !word.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        text.Append(quote);
        foreach (Rune rune in word.EnumerateRunes())
        {
            if (text.Length > LongestRepr)
            {
                return;
            }
            _ = rune.Value switch
            {
                '\\' => text.Append(@"\\"),
                '\n' => text.Append(@"\n"),
                '\r' => text.Append(@"\r"),
                '\t' => text.Append(@"\t"),
                _ when rune.Value == quote => text.Append('\\').Append(quote),
                >= 0x20 and < 0x7f => text.Append((char)rune.Value),
                <= 0xff when !IsPrinted(rune) => text.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}"),
                <= 0xffff when !IsPrinted(rune) => text.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"),
                _ when !IsPrinted(rune) => text.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}"),
                <= 0xffff => text.Append((char)rune.Value),
                _ => text.Append(rune.ToString()),
            };
        }
        text.Append(quote);
    }

    // str.isprintable
    private static bool IsPrinted(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is not (
                UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.Surrogate
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.SpaceSeparator);

    private static void Quote(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        char quote = bytes.Contains((byte)'\'') && !bytes.Contains((byte)'"') ? '"' : '\'';
        text.Append(quote);
        foreach (byte b in bytes)
        {
            if (text.Length > LongestRepr)
            {
                return;
            }
            _ = b switch
            {
                (byte)'\\' => text.Append(@"\\"),
                _ when b == quote => text.Append('\\').Append(quote),
                (byte)'\n' => text.Append(@"\n"),
                (byte)'\r' => text.Append(@"\r"),
                (byte)'\t' => text.Append(@"\t"),
                >= 0x20 and < 0x7f => text.Append((char)b),
                _ => text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}"),
            };
        }
        text.Append(quote);
    }
}
