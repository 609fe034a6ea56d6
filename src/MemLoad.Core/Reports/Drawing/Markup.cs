using System.Globalization;
using System.Text;

namespace MemLoad;

/// <summary>Makes any text fit for HTML, XML and attributes: names and messages of rows come from files.</summary>
internal static class Markup
{
    /// <summary>The text with everything escaped that has a meaning there; what cannot be seen, or would turn the line around, becomes <c>\u001b</c>.</summary>
    public static string Text(string? text)
    {
        var safe = new StringBuilder();
        foreach (Rune rune in (text ?? "").EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '&' => safe.Append("&amp;"),
                '<' => safe.Append("&lt;"),
                '>' => safe.Append("&gt;"),
                '"' => safe.Append("&quot;"),
                '\'' => safe.Append("&#39;"),
                '\n' => safe.Append(' '),
                _ when IsHidden(rune) => safe.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"),
                _ => safe.Append(rune.ToString()),
            };
        }
        return safe.ToString();
    }

    /// <summary>A number as XML and CSS want it.</summary>
    public static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;
}
