using System.IO.Enumeration;

namespace MemLoad;

/// <summary>Which names of a checkpoint are meant, and what they are called once it is narrowed to them.</summary>
/// <param name="Key">Dotted name of a container or tensor to narrow to; its tensors lose that prefix.</param>
/// <param name="Include">Patterns of names to keep (<c>*</c> and <c>?</c>, case ignored); all if empty.</param>
/// <param name="Exclude">Patterns of names to drop.</param>
internal readonly record struct TensorSelection(string? Key, IReadOnlyList<string>? Include, IReadOnlyList<string>? Exclude)
{
    /// <summary>True if names are narrowed to a container or tensor.</summary>
    public bool HasKey => !string.IsNullOrEmpty(Key);

    /// <summary>True if names are held against patterns.</summary>
    public bool HasPatterns => Include is { Count: > 0 } || Exclude is { Count: > 0 };

    /// <summary>A name without the key before it; null if it does not lie below the key.</summary>
    public string? BelowKey(string name) =>
        !HasKey ? name
        : name == Key ? ""
        : name.Length > Key!.Length && name[Key.Length] == '.' && name.StartsWith(Key, StringComparison.Ordinal) ? name[(Key.Length + 1)..]
        : null;

    /// <summary>Whether a name is kept by the patterns.</summary>
    public bool Keeps(string name) => (Include is not { Count: > 0 } || Matches(Include, name)) && !Matches(Exclude ?? [], name);

    private static bool Matches(IReadOnlyList<string> patterns, string name) =>
        patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(
            pattern.Replace("\\", "\\\\", StringComparison.Ordinal), name, ignoreCase: true));
}
