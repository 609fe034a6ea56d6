using System.Text;

namespace MemLoad;

/// <summary>
/// Reads RFC 4180, as <c>Export-Csv</c> and <c>memload --format csv</c> write it. Quotes in quotes are doubled, and all kinds of line ends
/// are accepted.
/// </summary>
internal static class CsvReader
{
    /// <summary>Returns the records without empty lines.</summary>
    /// <exception cref="MemLoadException">ML8101: a quote is not closed, or closed in the middle of a field.</exception>
    public static IEnumerable<(int Line, IReadOnlyList<string> Fields)> Read(string text, string path)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        int line = 1;
        int first = 1;
        for (int i = 0; i <= text.Length; i++)
        {
            char c = i < text.Length ? text[i] : '\n';
            if (c == '"' && field.Length == 0)
            {
                int opened = line;
                i = Quoted(text, i, field, ref line);
                if (i < 0)
                {
                    throw Broken(path, opened, "the quote that opens here is not closed");
                }
                c = i < text.Length ? text[i] : '\n';
                if (c is not (',' or '\r' or '\n'))
                {
                    throw Broken(path, line, "a quote closes in the middle of a field");
                }
            }
            if (c is not (',' or '\r' or '\n'))
            {
                _ = field.Append(c);
                continue;
            }
            fields.Add(field.ToString());
            _ = field.Clear();
            if (c == ',')
            {
                continue;
            }
            if (fields is not [""])
            {
                yield return (first, [.. fields]);
            }
            fields.Clear();
            i += c == '\r' && i + 1 < text.Length && text[i + 1] == '\n' ? 1 : 0;
            first = ++line;
        }
    }

    public static MemLoadException Broken(string path, int line, string finding) =>
        Rules.RowsUnreadable.Broken($"line {line}: {finding}", path);

    // From the opening quote to the position after the closing quote. -1 without a closing quote.
    private static int Quoted(string text, int at, StringBuilder field, ref int line)
    {
        for (at++; at < text.Length; at++)
        {
            if (text[at] == '"' && (at + 1 == text.Length || text[at + 1] != '"'))
            {
                return at + 1;
            }
            at += text[at] == '"' ? 1 : 0;
            line += text[at] == '\n' ? 1 : 0;
            _ = field.Append(text[at]);
        }
        return -1;
    }
}
