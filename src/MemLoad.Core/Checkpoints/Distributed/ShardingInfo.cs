using System.Text.Json;
using System.Text.RegularExpressions;

namespace MemLoad;

/// <summary>
/// Recognises the safetensors files that PyTorch's HuggingFaceStorageWriter writes, one set per rank. Their metadata says where the pieces
/// of each tensor lie, but not the whole shape. A name occurs in several files.
/// </summary>
internal static partial class ShardingInfo
{
    /// <summary>The entry of <c>__metadata__</c>: a text of JSON, <c>{name: {"saved_offsets": [...]}}</c>.</summary>
    public const string Key = "DCP_SHARDING_INFO";

    private const string Offsets = "saved_offsets";

    /// <summary>Refuses a file with pieces of tensors, by its entry if it has one.</summary>
    /// <exception cref="MemLoadException">ML5115.</exception>
    public static void Refuse(string path, string? info)
    {
        if (info is null)
        {
            return;
        }
        if (RankName().IsMatch(Path.GetFileName(path)))
        {
            throw Rules.DistributedSafetensors.Broken(
                "the file is one rank's part of a distributed checkpoint (its name begins with shard-, its metadata has DCP_SHARDING_INFO)",
                path);
        }
        if (FirstPiece(info) is string name)
        {
            throw Rules.DistributedSafetensors.Broken(
                $"the file has a piece of tensor {Printable.Quote(name)} that does not begin where the tensor does", path);
        }
    }

    // The name of a tensor whose piece has an offset other than 0. Text of another form says nothing about pieces.
    private static string? FirstPiece(string info)
    {
        try
        {
            using var json = JsonDocument.Parse(info);
            foreach (JsonProperty tensor in json.RootElement.EnumerateObject())
            {
                if (tensor.Value.GetProperty(Offsets).EnumerateArray().Any(offset => offset.GetInt64() != 0))
                {
                    return tensor.Name;
                }
            }
            return null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return null;
        }
    }

    [GeneratedRegex("^shard-[0-9]{5}-", RegexOptions.CultureInvariant)]
    private static partial Regex RankName();
}
