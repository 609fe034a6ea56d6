using System.Text;

namespace MemLoad;

/// <summary>
/// Makes text printable: names, metadata and messages from files, and names of files. A hidden character controls a terminal, changes the
/// order of the text around it, or cannot be seen. Each of its UTF-16 units is written as <c>\u001b</c>, as in JSON.
/// </summary>
/// <remarks>
/// Seven Unicode categories are hidden: Cc (control), Cf (format), Zl and Zp (line and paragraph separators), Cs (half a surrogate pair),
/// Co (private use) and Cn (unassigned). Cf includes bidirectional marks, the soft hyphen, the word joiner and tags. Other code points with
/// the property Default_Ignorable_Code_Point are hidden, too (Unicode 16, DerivedCoreProperties.txt): fillers, joiners and variation
/// selectors.
/// </remarks>
public static class Printable
{
    /// <summary>The maximum length of a quoted name, without quotes.</summary>
    public const int LongestName = 100;

    /// <summary>The maximum length of a table cell.</summary>
    public const int LongestCell = 500;

    /// <summary>The maximum length of any other printed text.</summary>
    public const int LongestText = 10_000;

    private const int EscapeLength = 6;

    /// <summary>
    /// Returns a number of bytes with a suitable unit, such as <c>3.30 GiB</c>, for sentences. Data have the number of bytes.
    /// </summary>
    public static string Bytes(long bytes) => Math.Abs((double)bytes) switch
    {
        >= 1L << 40 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 40):0.00} TiB"),
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.00} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB"),
        >= 1L << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
    };

    /// <summary>Returns a figure with three significant digits: two decimals below 10, one below 100, none from 100 on.</summary>
    public static string ThreeDigits(double figure) => figure.ToString(
        Math.Abs(figure) switch
        {
            < 9.995 => "0.00",
            < 99.95 => "0.0",
            _ => "0",
        },
        CultureInfo.InvariantCulture);

    /// <summary>
    /// Returns a text with escapes for hidden characters. A text that is too long is cut and ends with …. Printable text stays unchanged.
    /// </summary>
    /// <param name="text">Any text; null gives an empty text.</param>
    /// <param name="longest">The maximum length of the result.</param>
    public static string Text(string? text, int longest = LongestText) => Write(text ?? "", longest, exact: false);

    /// <summary>Returns a message on one line: line breaks become spaces, and all else is as in <see cref="Text"/>.</summary>
    /// <param name="message">Any message.</param>
    /// <param name="longest">The maximum length of the result.</param>
    public static string Line(string message, int longest = LongestText)
    {
        ArgumentNullException.ThrowIfNull(message);
        // One character more than is shown, so that the cut is visible.
        string some = message.Length > longest ? message[..(longest + 1)] : message;
        return Text(some.Trim().ReplaceLineEndings(" "), longest);
    }

    /// <summary>
    /// Returns a name in single quotes, for a sentence. Different names look different unless they are cut: a backslash that would begin an
    /// escape is written as <c>\u005c</c>.
    /// </summary>
    /// <param name="name">Any name.</param>
    public static string Quote(string name) => $"'{Name(name)}'";

    /// <summary>Returns a name as <see cref="Quote"/> writes it between the quotes.</summary>
    /// <param name="name">Any name.</param>
    public static string Name(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Write(name, LongestName, exact: true);
    }

    /// <summary>Returns the first few of many names, quoted, and how many more there are.</summary>
    internal static string List(IReadOnlyCollection<string> names, int shown = 5)
    {
        string list = string.Join(", ", names.Take(shown).Select(Quote));
        return names.Count > shown ? $"{list} and {names.Count - shown} more" : list;
    }

    /// <summary>Returns the whole text with escapes for hidden characters. <see cref="Unescape"/> restores the text.</summary>
    internal static string Escape(string text) => Write(text, int.MaxValue, exact: true);

    /// <summary>Returns the text that <see cref="Escape"/> was given. Other escapes stay unchanged.</summary>
    internal static string Unescape(string text)
    {
        if (!text.Contains("\\u", StringComparison.Ordinal))
        {
            return text;
        }
        var whole = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length; at++)
        {
            bool escape = IsEscape(text, at, out char unit) && (unit == '\\' || IsHiddenUnit(unit));
            _ = whole.Append(escape ? unit : text[at]);
            at += escape ? EscapeLength - 1 : 0;
        }
        return whole.ToString();
    }

    /// <summary>Returns whether a character is hidden; see the remarks of this class.</summary>
    internal static bool IsHidden(Rune rune) => rune.Value switch
    {
        >= ' ' and <= '~' => false,
        0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) or 0x3164
                or (>= 0xFE00 and <= 0xFE0F) or 0xFFA0 or (>= 0xE0100 and <= 0xE01EF) => true,
        _ => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned,
    };

    private static bool IsHiddenUnit(char unit) => char.IsSurrogate(unit) || IsHidden(new Rune(unit));

    private static string Write(string text, int longest, bool exact)
    {
        if (text.Length <= longest && IsPlain(text, exact))
        {
            return text;
        }
        var safe = new StringBuilder(Math.Min(text.Length, longest) + EscapeLength);
        for (int at = 0, length; at < text.Length; at += length)
        {
            bool hidden = Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out length) != System.Buffers.OperationStatus.Done
                || IsHidden(rune)
                || (exact && IsEscape(text, at, out _));
            int room = longest - safe.Length - (at + length < text.Length ? 1 : 0);
            if (room < (hidden ? EscapeLength * length : length))
            {
                return safe.Append('…').ToString();
            }
            foreach (char unit in text.AsSpan(at, length))
            {
                _ = hidden ? safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}") : safe.Append(unit);
            }
        }
        return safe.ToString();
    }

    private static bool IsPlain(string text, bool exact)
    {
        bool isAscii = !text.AsSpan().ContainsAnyExceptInRange(' ', '~');
        if (exact && text.Contains("\\u", StringComparison.Ordinal))
        {
            return false;
        }
        for (int at = 0, length; !isAscii && at < text.Length; at += length)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out length) != System.Buffers.OperationStatus.Done || IsHidden(rune))
            {
                return false;
            }
        }
        return true;
    }

    // A backslash, u and four hexadecimal digits.
    private static bool IsEscape(string text, int at, out char unit)
    {
        bool escape = ushort.TryParse(
            at + EscapeLength <= text.Length && text[at] == '\\' && text[at + 1] == 'u' ? text.AsSpan(at + 2, 4) : "",
            NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort value);
        unit = (char)value;
        return escape;
    }
}
