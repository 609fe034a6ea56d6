using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MemLoad;

/// <summary>Makes rows again of what became text on the way: in CSV, in JSON, in a remote session.</summary>
public static class RowValues
{
    private static readonly IList<JsonPropertyInfo> Properties = MeasurementJson.Default.LoadMeasurement.Properties;

    /// <summary>The columns of a row, in its own order.</summary>
    public static IReadOnlyList<string> Columns { get; } = [.. Properties.Select(property => property.Name)];

    // Columns that a row computes from the others are computed again.
    private static readonly JsonPropertyInfo[] Given = [.. Properties.Where(property => property.Set is not null)];

    /// <summary>A row of its values.</summary>
    /// <param name="value">Gives a column's value: text as the row itself would print it; null or empty where there is none.</param>
    /// <param name="place">Says where the row comes from, for errors, such as <c>line 3</c>.</param>
    /// <param name="path">Its file, or null.</param>
    /// <exception cref="MemLoadException">ML8102: a column that a row cannot do without has no value; ML8103: a figure is no whole number.</exception>
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
        bool whole = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number);
        return whole && (property.PropertyType != typeof(int) || (int)number == number)
            ? number
            : throw Rules.RowValueInvalid.Broken($"{place}: {property.Name} is {Printable.Quote(text)} and must be a whole number", path);
    }
}
