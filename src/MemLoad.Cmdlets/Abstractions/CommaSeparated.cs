using System.Collections;

namespace MemLoad.Abstractions;

/// <summary>
/// Splits arguments that are several words, or one text with commas. <c>pwsh -File</c>, cron and CSV files pass one text.
/// </summary>
internal static class CommaSeparated
{
    /// <summary>
    /// Returns the words of an argument. A text is split at its commas. Each item of a collection is an argument. Null gives the empty
    /// word.
    /// </summary>
    public static IEnumerable<string> Words(object? given) => given switch
    {
        null => [""],
        PSObject wrapped => Words(wrapped.BaseObject),
        string text => text.Split(','),
        _ when LanguagePrimitives.GetEnumerable(given) is IEnumerable several => several.Cast<object?>().SelectMany(Words),
        _ => [LanguagePrimitives.ConvertTo<string>(given)],
    };
}
