using System.Collections;
using System.Management.Automation;

namespace MemLoad.Abstractions;

/// <summary>Arguments that are several words, or one text with commas between them, as <c>pwsh -File</c>, cron and CSV files hand them over.</summary>
internal static class CommaSeparated
{
    /// <summary>The words of an argument. A text is split at its commas; of a collection each item is an argument; nothing is the empty word.</summary>
    public static IEnumerable<string> Words(object? given) => given switch
    {
        null => [""],
        PSObject wrapped => Words(wrapped.BaseObject),
        string text => text.Split(','),
        _ when LanguagePrimitives.GetEnumerable(given) is IEnumerable several => several.Cast<object?>().SelectMany(Words),
        _ => [LanguagePrimitives.ConvertTo<string>(given)],
    };
}
