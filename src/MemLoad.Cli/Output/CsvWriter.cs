using System.Globalization;
using System.Text.Json.Serialization.Metadata;

namespace MemLoad.Cli;

/// <summary>
/// RFC 4180: a header with the property names in the order of the row, then one record per row, in the invariant culture.
/// </summary>
internal static class CsvWriter
{
    private const string NewLine = "\r\n";

    /// <summary>Writes rows. The columns come from the type description that JSON is written from, so that both always agree.</summary>
    public static void Write<T>(IEnumerable<T> rows, JsonTypeInfo<T> type, TextWriter output)
        where T : notnull
    {
        output.Write(string.Join(',', type.Properties.Select(property => Quote(property.Name))) + NewLine);
        foreach (T row in rows)
        {
            output.Write(string.Join(',', type.Properties.Select(property => Quote(Format(property.Get!(row))))) + NewLine);
        }
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
