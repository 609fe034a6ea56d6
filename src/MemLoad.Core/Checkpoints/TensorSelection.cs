using System.IO.Enumeration;

namespace MemLoad;

/// <summary>Selects names of a checkpoint, and determines their names in the selection.</summary>
/// <param name="Key">Dotted name of a container or tensor to select. Its tensors lose that prefix.</param>
/// <param name="Include">Patterns of names to keep (<c>*</c> and <c>?</c>, case ignored); all if empty.</param>
/// <param name="Exclude">Patterns of names to drop.</param>
/// <exception cref="ArgumentException">A pattern is null.</exception>
internal readonly record struct TensorSelection(string? Key, IReadOnlyList<string>? Include, IReadOnlyList<string>? Exclude)
{
    public IReadOnlyList<string>? Include { get; } = WithoutNull(Include, nameof(Include));

    public IReadOnlyList<string>? Exclude { get; } = WithoutNull(Exclude, nameof(Exclude));

    /// <summary>True if a container or tensor is selected.</summary>
    public bool HasKey => !string.IsNullOrEmpty(Key);

    /// <summary>True if names are compared with patterns.</summary>
    public bool HasPatterns => Include is { Count: > 0 } || Exclude is { Count: > 0 };

    /// <summary>Returns a name without the key prefix. Null if the name is not below the key.</summary>
    public string? BelowKey(string name) =>
        !HasKey ? name
        : name == Key ? ""
        : name.Length > Key!.Length && name[Key.Length] == '.' && name.StartsWith(Key, StringComparison.Ordinal) ? name[(Key.Length + 1)..]
        : null;

    /// <summary>Whether the patterns select a name.</summary>
    public bool Keeps(string name) => (Include is not { Count: > 0 } || Matches(Include, name)) && !Matches(Exclude ?? [], name);

    private static IReadOnlyList<string>? WithoutNull(IReadOnlyList<string>? patterns, string name) =>
        patterns?.Contains(null) != true ? patterns : throw new ArgumentException("A pattern is null.", name);

    private static bool Matches(IReadOnlyList<string> patterns, string name) =>
        patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(
            pattern.Replace("\\", "\\\\", StringComparison.Ordinal), name, ignoreCase: true));
}
