namespace MemLoad.Completion;

/// <summary>Completes the containers of the named checkpoint: every prefix of a tensor's dotted name.</summary>
public sealed class KeyCompleter : CheckpointCompleter
{
    // A name that consists only of dots has as many containers as characters.
    private const int MostLevels = 32;

    /// <inheritdoc/>
    protected override IEnumerable<(string Text, string ToolTip)> Words(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return checkpoint.Tensors.SelectMany(tensor => Prefixes(tensor.Name))
            .CountBy(prefix => prefix, StringComparer.Ordinal)
            // Outer containers come first, because users usually want them.
            .OrderBy(key => key.Key.Count(letter => letter == '.')).Select(key => (key.Key, $"{key.Value} tensors"));
    }

    private static IEnumerable<string> Prefixes(string name)
    {
        int level = 0;
        for (int dot = name.IndexOf('.', StringComparison.Ordinal); dot > 0 && level < MostLevels;
            dot = name.IndexOf('.', dot + 1), level++)
        {
            yield return name[..dot];
        }
    }
}
