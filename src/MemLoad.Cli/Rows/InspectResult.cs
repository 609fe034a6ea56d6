using System.Text.Json.Serialization;

namespace MemLoad.Cli;

/// <summary>The output of <c>inspect</c>. The metadata are the entries that are not tensors.</summary>
internal sealed record InspectResult(string Path, CheckpointFormat Format, long FileBytes,
    [property: JsonConverter(typeof(MetadataConverter))] IReadOnlyDictionary<string, object?> Metadata, IReadOnlyList<WeightInfo> Tensors)
{
    /// <summary>The findings about the files that no rule forbids; null if there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Findings { get; init; }
}
