using System.Globalization;
using System.Text;

namespace MemLoad;

/// <summary>Makes any text fit for HTML, XML and attributes: names and messages of rows come from files.</summary>
internal static class Markup
{
    /// <summary>The text with everything escaped that has a meaning there; hidden characters are escapes and what is too long is cut, as <see cref="Printable"/> has it.</summary>
    public static string Text(string? text)
    {
        var safe = new StringBuilder();
        foreach (char c in Printable.Text(text?.Replace('\n', ' ')))
        {
            _ = c switch
            {
                '&' => safe.Append("&amp;"),
                '<' => safe.Append("&lt;"),
                '>' => safe.Append("&gt;"),
                '"' => safe.Append("&quot;"),
                '\'' => safe.Append("&#39;"),
                _ => safe.Append(c),
            };
        }
        return safe.ToString();
    }

    /// <summary>A number as XML and CSS want it.</summary>
    public static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
