using System.Reflection;
using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>Creates rows from text: from CSV, from JSON, or from a remote session.</summary>
internal static class RowValues
{
    private static readonly PropertyInfo[] Properties = typeof(LoadMeasurement).GetProperties();

    /// <summary>The columns of a row.</summary>
    public static IReadOnlyList<string> Columns { get; } = [.. Properties.Select(property => property.Name)];

    // Columns that a row computes from the others are computed again.
    private static readonly PropertyInfo[] Given = Array.FindAll(Properties, property => property.CanWrite);

    /// <summary>Creates a row from its values.</summary>
    /// <param name="value">Returns the value of a column as the text that the row would print. Null or empty without a value.</param>
    /// <param name="place">The position of the row for errors, such as <c>line 3</c>.</param>
    /// <param name="path">Its file, or null.</param>
    /// <exception cref="MemLoadException">ML8102: a required column has no value; ML8103: a figure is not a whole number, or a time is not
    /// in ISO 8601.</exception>
    public static LoadMeasurement ToRow(Func<string, string?> value, string place, string? path = null)
    {
        ArgumentNullException.ThrowIfNull(value);
        LoadMeasurement row = LoadMeasurement.Blank();
        var missing = new List<string>();
        foreach (PropertyInfo property in Given)
        {
            if (value(property.Name) is { Length: > 0 } found)
            {
                property.SetValue(row, ValueOf(found, property, place, path));
            }
            else if (property.IsDefined(typeof(RequiredMemberAttribute)))
            {
                missing.Add(property.Name);
            }
        }
        return missing.Count == 0 ? row : throw Rules.RowColumnMissing.Broken($"{place} has no {string.Join(", ", missing)}", path);
    }

    private static object ValueOf(string text, PropertyInfo property, string place, string? path)
    {
        if (property.PropertyType == typeof(string))
        {
            return text;
        }
        if (property.PropertyType == typeof(DateTimeOffset))
        {
            return RowTime.TryRead(text, out DateTimeOffset time)
                ? time
                : throw Rules.RowValueInvalid.Broken(
                    $"{place}: {property.Name} is {Printable.Quote(text)} and must be a time in ISO 8601", path);
        }
        bool isInt = (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) == typeof(int);
        return long.TryParse(WithPlainSign(text), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            && (!isInt || (int)number == number)
            ? isInt ? (object)(int)number : number
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
