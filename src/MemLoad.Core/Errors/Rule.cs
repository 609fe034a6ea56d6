namespace MemLoad;

/// <summary>
/// A condition that MemLoad requires. Rules are a closed set (docs/rules.md), and the meaning of an id never changes.
/// </summary>
/// <param name="Id">Stable id, <c>ML</c> and four digits: 1 paths and formats, 2 zip, 3 pickle, 4 safetensors (41 GGUF), 5 folders and
/// shards (51 distributed checkpoints, 52 checkpoints on a server),
/// 6 tensors, models and manifests, 7 devices and memory, 8 measuring, 9 writing and usage.</param>
/// <param name="Title">The condition that must hold, in a few words.</param>
public sealed record Rule(string Id, string Title)
{
    internal Rule(string id, string title, Remedy remedy) : this(id, title) => Remedy = remedy;

    /// <summary>The action that the user can take, in general.</summary>
    internal Remedy Remedy { get; } = "";

    /// <summary>Rules are equal if their ids are.</summary>
    public bool Equals(Rule? other) => Id == other?.Id;

    /// <inheritdoc/>
    public override int GetHashCode() => Id.GetHashCode(StringComparison.Ordinal);

    /// <summary>Returns the exception for this rule. The arguments are those of its constructor.</summary>
    internal MemLoadException Broken(string finding, string? path = null, long? offset = null, Exception? innerException = null,
        Remedy? remedy = null) => new(this, finding, path, offset, innerException, remedy);
}
