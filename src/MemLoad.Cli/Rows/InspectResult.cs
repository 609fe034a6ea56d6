using System.Text.Json.Serialization;

namespace MemLoad.Cli;

/// <summary>The output of <c>inspect</c>.</summary>
/// <param name="Path">Absolute path of the checkpoint.</param>
/// <param name="Format">Its format, recognised from the content.</param>
/// <param name="FileBytes">Bytes of all its files.</param>
/// <param name="Metadata">The entries that are not tensors.</param>
/// <param name="Tensors">The tensors, in the order of the file.</param>
internal sealed record InspectResult(
    string Path,
    CheckpointFormat Format,
    long FileBytes,
    [property: JsonConverter(typeof(MetadataConverter))] IReadOnlyDictionary<string, object?> Metadata,
    IReadOnlyList<WeightInfo> Tensors)
{
    /// <summary>What a reader of the files should know and no rule forbids; null if there is nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Findings { get; init; }
}
