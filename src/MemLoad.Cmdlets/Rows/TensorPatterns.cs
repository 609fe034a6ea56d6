using System.Collections.ObjectModel;

namespace MemLoad;

/// <summary>
/// Patterns in a column of a row. <c>Export-Csv</c> writes the text of a list into one cell, and the text of an array would be the name of
/// its type. A name can contain a comma, so the text has one pattern per line.
/// </summary>
internal sealed class TensorPatterns(IList<string> patterns) : ReadOnlyCollection<string>(patterns)
{
    /// <summary>Returns the patterns of texts that are a pattern, or the text of a list. An empty cell of a CSV file is not a
    /// pattern.</summary>
    public static string[] Parse(IEnumerable<string>? given) =>
        [.. given?.SelectMany(text => text?.Split('\n') ?? []).Where(pattern => pattern.Length > 0) ?? []];

    /// <inheritdoc/>
    public override string ToString() => string.Join('\n', this);
}
