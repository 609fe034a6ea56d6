using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MemLoad;

/// <summary>
/// Recognises the safetensors files that PyTorch's HuggingFaceStorageWriter writes, one set per rank. Their metadata states the offsets of
/// the pieces of each tensor, but not the whole shape. A name occurs in several files.
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
                $"the file has a piece of tensor {Printable.Quote(name)} that does not begin at the start of the tensor", path);
        }
    }

    // The name of a tensor whose piece has an offset other than 0. Text of another form has no information about pieces. It can be as long
    // as the header, so it is read token by token.
    private static string? FirstPiece(string info)
    {
        try
        {
            var json = new Utf8JsonReader(Encoding.UTF8.GetBytes(info));
            string? tensor = null;
            bool isOffset = false;
            while (json.Read())
            {
                if (json.TokenType == JsonTokenType.PropertyName)
                {
                    tensor = json.CurrentDepth == 1 ? json.GetString() : tensor;
                    isOffset = json.CurrentDepth == 2 && json.ValueTextEquals(Offsets);
                }
                else if (isOffset && json is { TokenType: JsonTokenType.Number, CurrentDepth: 3 } && json.GetInt64() != 0)
                {
                    return tensor;
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
        }
        return null;
    }

    [GeneratedRegex("^shard-[0-9]{5}-", RegexOptions.CultureInvariant)]
    private static partial Regex RankName();
}
