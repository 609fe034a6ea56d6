using System.Numerics;
using System.Text;

namespace MemLoad;

/// <summary>Implements the equality of dict keys in Python: by value, across number types, and item by item in tuples.</summary>
internal static class PythonKey
{
    private const int Deepest = 8;
    private const int Longest = 4096;

    /// <summary>
    /// Returns a text that is equal for two keys if and only if they are equal in Python. It applies to keys that are not text. Whole
    /// numbers are their digits. Null for values that Python cannot hash (lists, dicts, sets). Null also for values that are not compared
    /// by value (NaN, tensors, classes) or have no fixed name (frozensets).
    /// </summary>
    public static string? Identity(object? key, FileBudget budget)
    {
        switch (key)
        {
            case long number:
                budget.Spend(FileBudget.Text(20));
                return number.ToString(CultureInfo.InvariantCulture);
            case bool flag:
                return flag ? "1" : "0";
            case null:
                return "none";
            case IPickleKey record:
                return record.Identity;
            default:
                var text = new StringBuilder();
                if (!Write(text, key, 0))
                {
                    return null;
                }
                budget.Spend(2 * FileBudget.Text(text.Length));
                return text.ToString();
        }
    }

    // Shared tuples in a short pickle can give a text of any length. The loop stops when the text is too long.
    private static bool Write(StringBuilder text, object? key, int depth)
    {
        switch (key)
        {
            case null:
                text.Append("none");
                break;
            case bool flag:
                text.Append(flag ? '1' : '0');
                break;
            case long number:
                text.Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case BigInteger number:
                text.Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                return Write(text, number);
            case Complex { Imaginary: 0 } number:
                return Write(text, number.Real);
            case Complex number:
                text.Append("complex:");
                return Write(text, number.Real) && Write(text.Append(':'), number.Imaginary);
            case string { Length: <= Longest } word when depth > 0:
                text.Append(CultureInfo.InvariantCulture, $"text{word.Length}:").Append(word);
                break;
            case byte[] { Length: <= Longest } bytes:
                text.Append(CultureInfo.InvariantCulture, $"bytes{bytes.Length}:").Append(Encoding.Latin1.GetString(bytes));
                break;
            case LatinText { Text.Length: <= Longest } latin:
                text.Append(CultureInfo.InvariantCulture, $"bytes{latin.Text.Length}:").Append(latin.Text);
                break;
            case TorchConstant constant:
                text.Append("torch:").Append(constant.Repr);
                break;
            case PickleSequence { Kind: PickleSequenceKind.Tuple or PickleSequenceKind.Size } tuple when depth < Deepest:
                text.Append('(');
                foreach (object? item in tuple.Items)
                {
                    if (text.Length > Longest || !Write(text, item, depth + 1))
                    {
                        return false;
                    }
                    text.Append(',');
                }
                text.Append(')');
                break;
            default:
                return false;
        }
        return text.Length <= Longest;
    }

    private static bool Write(StringBuilder text, double number)
    {
        if (double.IsNaN(number))
        {
            return false;
        }
        if (double.IsInteger(number))
        {
            text.Append(new BigInteger(number).ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $"float:{BitConverter.DoubleToUInt64Bits(number):x}");
        }
        return true;
    }
}
