using System.Globalization;
using System.Text;

namespace MemLoad;

/// <summary>What stands in a sentence on a terminal: names out of files, safe and short, and sizes in units.</summary>
public static class Printable
{
    private const int Longest = 100;

    /// <summary>A number of bytes by itself with the unit that suits it, such as <c>3.30 GiB</c>, for sentences; data carry raw bytes.</summary>
    public static string Bytes(long bytes) => Math.Abs(bytes) switch
    {
        >= 1L << 40 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 40):0.00} TiB"),
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.00} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB"),
        >= 1L << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
    };

    /// <summary>The name in single quotes; what would steer a terminal or cannot be seen is written as an escape, what is too long is cut.</summary>
    internal static string Quote(string name)
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
    internal static string List(IReadOnlyCollection<string> names)
    {
        const int shown = 5;
        string list = string.Join(", ", names.Take(shown).Select(Quote));
        return names.Count > shown ? $"{list} and {names.Count - shown} more" : list;
    }
}
