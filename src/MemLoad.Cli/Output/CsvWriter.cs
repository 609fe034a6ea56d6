using System.Text.Json.Serialization.Metadata;

namespace MemLoad.Cli;

/// <summary>
/// RFC 4180: a header with the property names in the order of the row, then one record per row, in the invariant culture. The type
/// description is that of JSON, so that both have the same columns.
/// </summary>
internal sealed class CsvWriter<T>(JsonTypeInfo<T> type, TextWriter output)
    where T : notnull
{
    private const string NewLine = "\r\n";

    private readonly JsonPropertyInfo[] _columns = [.. type.Properties];

    public void WriteHeader() => WriteFields(column => column.Name);

    public void Write(T row) => WriteFields(column => Format(column.Get!(row)));

    private void WriteFields(Func<JsonPropertyInfo, string> field)
    {
        for (int i = 0; i < _columns.Length; i++)
        {
            if (i > 0)
            {
                output.Write(',');
            }
            output.Write(Quote(field(_columns[i])));
        }
        output.Write(NewLine);
    }

    private static string Format(object? value) => value switch
    {
        null => "",
        string text => CsvCell.Of(text),
        DateTimeOffset time => RowTime.Text(time),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Quote(string field) =>
        field.AsSpan().ContainsAny("\",\r\n") || (field.Length > 0 && (field[0] == ' ' || field[^1] == ' '))
            ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : field;
}

/// <summary>Writes rows of one kind as CSV.</summary>
internal static class CsvWriter
{
    public static void Write<T>(IEnumerable<T> rows, JsonTypeInfo<T> type, TextWriter output)
        where T : notnull
    {
        var csv = new CsvWriter<T>(type, output);
        csv.WriteHeader();
        foreach (T row in rows)
        {
            csv.Write(row);
        }
    }
}
