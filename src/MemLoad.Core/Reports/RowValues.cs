using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MemLoad;

/// <summary>Creates rows from text: from CSV, from JSON, or from a remote session.</summary>
internal static class RowValues
{
    private static readonly IList<JsonPropertyInfo> Properties = MeasurementJson.Default.LoadMeasurement.Properties;

    /// <summary>The columns of a row, in the order of the type.</summary>
    public static IReadOnlyList<string> Columns { get; } = [.. Properties.Select(property => property.Name)];

    // Columns that a row computes from the others are computed again.
    private static readonly JsonPropertyInfo[] Given = [.. Properties.Where(property => property.Set is not null)];

    /// <summary>Creates a row from its values.</summary>
    /// <param name="value">Returns the value of a column as the text that the row would print. Null or empty without a value.</param>
    /// <param name="place">The position of the row for errors, such as <c>line 3</c>.</param>
    /// <param name="path">Its file, or null.</param>
    /// <exception cref="MemLoadException">ML8102: a required column has no value; ML8103: a figure is not a whole number, or a time is not
    /// in ISO 8601.</exception>
    public static LoadMeasurement ToRow(Func<string, string?> value, string place, string? path = null)
    {
        ArgumentNullException.ThrowIfNull(value);
        var text = new ArrayBufferWriter<byte>();
        var missing = new List<string>();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            foreach (JsonPropertyInfo property in Given)
            {
                if (value(property.Name) is not { Length: > 0 } found)
                {
                    if (property.IsRequired)
                    {
                        missing.Add(property.Name);
                    }
                }
                else if (property.PropertyType == typeof(string))
                {
                    json.WriteString(property.Name, found);
                }
                else if (property.PropertyType == typeof(DateTimeOffset))
                {
                    json.WriteString(
                        property.Name,
                        RowTime.TryRead(found, out DateTimeOffset time)
                            ? time
                            : throw Rules.RowValueInvalid.Broken(
                                $"{place}: {property.Name} is {Printable.Quote(found)} and must be a time in ISO 8601", path));
                }
                else
                {
                    json.WriteNumber(property.Name, Whole(found, property, place, path));
                }
            }
            json.WriteEndObject();
        }
        return missing.Count == 0
            ? JsonSerializer.Deserialize(text.WrittenSpan, MeasurementJson.Default.LoadMeasurement)!
            : throw Rules.RowColumnMissing.Broken($"{place} has no {string.Join(", ", missing)}", path);
    }

    private static long Whole(string text, JsonPropertyInfo property, string place, string? path)
    {
        bool whole = long.TryParse(WithPlainSign(text), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number);
        return whole && (property.PropertyType != typeof(int) || (int)number == number) ? number
            : throw Rules.RowValueInvalid.Broken($"{place}: {property.Name} is {Printable.Quote(text)} and must be a whole number", path);
    }

    // Export-Csv writes the minus sign of the culture: U+2212 (Swedish), or either sign after a mark of direction (Arabic, Hebrew,
    // Persian).
    private static string WithPlainSign(string text)
    {
        string unmarked = text.TrimStart('\u061C', '\u200E', '\u200F');
        return unmarked is ['\u2212', ..] ? "-" + unmarked[1..] : unmarked;
    }
}
