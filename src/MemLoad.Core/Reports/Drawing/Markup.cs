using System.Text;

namespace MemLoad;

/// <summary>Escapes text for HTML, XML and attributes, because names and messages of rows come from files.</summary>
internal static class Markup
{
    /// <summary>
    /// Returns the escaped text. Hidden characters are escapes and long text is shortened, as in <see cref="Printable"/>.
    /// </summary>
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

    /// <summary>Returns a number in the form of XML and CSS.</summary>
    public static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
