using System.Globalization;
using System.Text;

namespace MemLoad;

/// <summary>Makes names out of files safe and short enough to stand in a sentence on a terminal.</summary>
internal static class Printable
{
    private const int Longest = 100;

    /// <summary>The name in single quotes; what would steer a terminal or cannot be seen is written as an escape, what is too long is cut.</summary>
    public static string Quote(string name)
    {
        var text = new StringBuilder("'");
        foreach (Rune rune in name.EnumerateRunes())
        {
            if (text.Length > Longest)
            {
                text.Append('…');
                break;
            }
            bool visible = Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            text.Append(visible ? rune.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"));
        }
        return text.Append('\'').ToString();
    }

    /// <summary>The first few of many names, quoted, and how many more there are.</summary>
    public static string List(IReadOnlyCollection<string> names)
    {
        const int shown = 5;
        string list = string.Join(", ", names.Take(shown).Select(Quote));
        return names.Count > shown ? $"{list} and {names.Count - shown} more" : list;
    }
}
