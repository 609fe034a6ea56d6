using System.Numerics;
using System.Text;

namespace MemLoad;

/// <summary>Single numbers and texts of numpy in a pickle, such as a learning rate.</summary>
internal static class NumpyScalars
{
    private const long LongestText = 1 << 16;

    /// <summary>
    /// Returns a type of numpy from its code, false for no alignment, and true for a copy. The last two have no effect.
    /// </summary>
    /// <exception cref="InvalidCastException">The arguments are others.</exception>
    public static NumpyType TypeOf(ReadOnlySpan<object?> arguments, FileBudget budget) =>
        arguments is [string] or [string, false or 0L, true or 1L]
            ? new NumpyType(CallArgument.Word(arguments[0], budget))
            : throw new InvalidCastException();

    /// <summary>Returns a number or text from its type and its bytes.</summary>
    /// <exception cref="InvalidCastException">The type is none of a number or text, or the bytes are not those of one value.</exception>
    public static object? Of(ReadOnlySpan<object?> arguments, FileBudget budget)
    {
        if (arguments
            is not [NumpyType type, byte[] { LongLength: <= LongestText } or LatinText { Text.Length: <= (int)LongestText }])
        {
            throw new InvalidCastException();
        }
        byte[] bytes = arguments[1] is LatinText latin ? Encoding.Latin1.GetBytes(latin.Text) : (byte[])arguments[1]!;
        budget.Spend(2 * FileBudget.Text(bytes.Length));
        return (type.Code, bytes.Length) switch
        {
            ("f8", 8) => BitConverter.ToDouble(bytes),
            ("f4", 4) => (double)BitConverter.ToSingle(bytes),
            ("f2", 2) => (double)BitConverter.ToHalf(bytes),
            ("i8", 8) => BitConverter.ToInt64(bytes),
            ("i4", 4) => (long)BitConverter.ToInt32(bytes),
            ("i2", 2) => (long)BitConverter.ToInt16(bytes),
            ("i1", 1) => (long)(sbyte)bytes[0],
            ("u8", 8) when BitConverter.ToUInt64(bytes) is ulong number => number <= long.MaxValue
                ? (object)(long)number
                : new BigInteger(number),
            ("u4", 4) => (long)BitConverter.ToUInt32(bytes),
            ("u2", 2) => (long)BitConverter.ToUInt16(bytes),
            ("u1", 1) => (long)bytes[0],
            ("c8", 8) => new Complex(BitConverter.ToSingle(bytes), BitConverter.ToSingle(bytes, 4)),
            ("c16", 16) => new Complex(BitConverter.ToDouble(bytes), BitConverter.ToDouble(bytes, 8)),
            ("b1", 1) => bytes[0] != 0,
            (['S', ..], int length) when length == type.TextBytes => bytes.AsSpan().TrimEnd((byte)0).ToArray(),
            (['U', ..], int length) when length == type.TextBytes => Encoding.UTF32.GetString(bytes).TrimEnd('\0'),
            _ => throw new InvalidCastException(),
        };
    }

    /// <summary>Whether the state of a type of numpy is that of a plain number or text.</summary>
    public static bool IsPlainState(NumpyType type, object? state) => IsNativeOrder(state) || (type.TextBytes is > 0 && IsText(state));

    // (version, byte order, subtype, names, fields, element size, alignment, flags) of a plain number.
    private static bool IsNativeOrder(object? state) =>
        state is PickleSequence { Kind: PickleSequenceKind.Tuple, Items: [3L or 4L, "<" or "|", null, null, null, -1L, -1L, 0L] };

    // The same for a text or for bytes, which state their size.
    private static bool IsText(object? state) =>
        state is PickleSequence
        {
            Kind: PickleSequenceKind.Tuple,
            Items: [3L, "<" or "|", null, null, null, >= 1L and <= LongestText, 1L or 4L, 0L or 8L],
        };
}
