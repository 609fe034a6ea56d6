using System.Text;

namespace MemLoad.Cli;

/// <summary>Makes text from files and exceptions fit to print.</summary>
internal static class SafeText
{
    /// <summary>Names come from files: a control character in one must neither break a line nor steer the terminal.</summary>
    public static string Printable(string text)
    {
        if (!text.Any(NeedsEscape))
        {
            return text;
        }
        var safe = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            _ = NeedsEscape(c) ? safe.Append($"\\u{(int)c:x4}") : safe.Append(c);
        }
        return safe.ToString();
    }

    /// <summary>One line, whatever the message holds.</summary>
    public static string OneLine(string text) => Printable(text.Trim().ReplaceLineEndings(" "));

    // Besides control characters: the ones that reorder or hide what surrounds them.
    private static bool NeedsEscape(char c) =>
        char.IsControl(c) || c is (>= '\u200b' and <= '\u200f') or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069') or '\ufeff';
}
