using System.Text;
using System.Text.Json;

namespace MemLoad;

/// <summary>Reads the rows of earlier runs from CSV or JSON of any program. Other columns are ignored.</summary>
public static class RowFile
{
    private static readonly JsonRules JsonRules = new(
        Rules.RowsUnreadable, Rules.RowsUnreadable, Rules.RowsUnreadable, Rules.RowsUnreadable);

    /// <summary>Reads the rows of a file. The content determines the format, not the name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="MemLoadException">ML1001 to ML1010 for the file, ML8101 to ML8105 for its content.</exception>
    public static IReadOnlyList<LoadMeasurement> Read(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] text = ReportInput.Read(path, out string full);
        int first = text.AsSpan().IndexOfAnyExcept(" \t\r\n"u8);
        bool json = first >= 0 && text[first] is (byte)'[' or (byte)'{';
        IEnumerable<LoadMeasurement> rows = json ? FromJson(text, full) : FromCsv(text, full);
        var read = new List<LoadMeasurement>();
        foreach (LoadMeasurement row in rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            read.Add(row);
        }
        return read.Count > 0 ? read : throw Rules.RowsNone.Broken("the file has no rows", full);
    }

    private static IEnumerable<LoadMeasurement> FromJson(byte[] text, string path)
    {
        new StrictJson(text, 0, JsonRules, FileBudget.Unlimited(path)).CheckAll();
        using (var document = JsonDocument.Parse(text))
        {
            JsonElement root = document.RootElement;
            int number = 0;
            foreach (JsonElement item in root.ValueKind == JsonValueKind.Array ? root.EnumerateArray().ToArray() : [root])
            {
                number++;
                yield return item.ValueKind == JsonValueKind.Object
                    ? RowValues.ToRow(
                        name => item.TryGetProperty(name, out JsonElement value) ? TextOf(value) : null, $"row {number}", path)
                    : throw Rules.RowsUnreadable.Broken($"row {number} is not an object", path);
            }
        }
    }

    private static string? TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => value.GetString(),
                _ => value.GetRawText(),
            };
        }
        catch (InvalidOperationException)
        {
            return "\uFFFD"; // an escape with half of a surrogate pair, which MemLoad does not write
        }
    }

    private static IEnumerable<LoadMeasurement> FromCsv(byte[] text, string path)
    {
        string content;
        try
        {
            content = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(text);
        }
        catch (DecoderFallbackException e)
        {
            throw Rules.RowsUnreadable.Broken("the text is not UTF-8", path, e.Index, e);
        }
        // Export-Csv of Windows PowerShell, or with -IncludeTypeInformation, writes the type first. It is read as an empty line.
        if (content.StartsWith("#TYPE ", StringComparison.Ordinal))
        {
            content = content[FirstLine(content).Length..];
        }
        if (OtherSeparator(content) is string separator)
        {
            throw Rules.RowsUnreadable.Broken($"line 1: the fields are separated by {separator} and not by ','", path,
                remedy: "Write the rows with ',' between the fields: Export-Csv without -UseCulture and -Delimiter.");
        }
        Dictionary<string, int>? columns = null;
        foreach ((int line, IReadOnlyList<string> fields) in CsvReader.Read(content, path))
        {
            if (columns is null)
            {
                columns = Header(fields, path);
                continue;
            }
            if (fields.Count != columns.Count)
            {
                throw CsvReader.Broken(path, line, $"there are {fields.Count} fields, and the header has {columns.Count}");
            }
            yield return RowValues.ToRow(
                name => columns.TryGetValue(name, out int at) ? CsvCell.Read(fields[at]) : null, $"line {line}", path);
        }
    }

    private static string FirstLine(string content) =>
        content.IndexOfAny(['\r', '\n']) is int end and >= 0 ? content[..end] : content;

    // Spreadsheets and Export-Csv -UseCulture write ';' in many cultures.
    private static string? OtherSeparator(string content)
    {
        string header = FirstLine(content.TrimStart('\r', '\n'));
        return header.Contains(',', StringComparison.Ordinal) ? null
            : Separates(';') ? "';'"
            : Separates('\t') ? "a tab"
            : null;

        bool Separates(char separator) =>
            header.Split(separator) is { Length: > 1 } names && names.Any(name => RowValues.Columns.Contains(name.Trim('"')));
    }

    private static Dictionary<string, int> Header(IReadOnlyList<string> names, string path)
    {
        var columns = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < names.Count; i++)
        {
            if (!columns.TryAdd(names[i], i))
            {
                throw CsvReader.Broken(path, 1, $"the column {Printable.Quote(names[i])} occurs twice");
            }
        }
        return columns.Keys.Any(RowValues.Columns.Contains) ? columns
            : throw Rules.RowsUnreadable.Broken("the first line names no column of rows, and this is not JSON", path);
    }
}
