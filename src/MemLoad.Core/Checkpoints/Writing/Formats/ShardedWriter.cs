using System.Text;
using System.Text.RegularExpressions;

namespace MemLoad;

/// <summary>
/// Writes a folder of safetensors files and their index, with the names that transformers gives them:
/// <c>model-00001-of-00003.safetensors</c> and <c>model.safetensors.index.json</c>. Tensors that fit one file are one file,
/// <c>model.safetensors</c>, without an index.
/// </summary>
internal sealed partial class ShardedWriter : CheckpointFolderWriter
{
    private const string Single = "model.safetensors";
    private const string IndexName = "model.safetensors.index.json";

    private readonly List<(string Name, SafetensorsWriter Writer)> _shards = [];
    private readonly byte[] _index;

    /// <summary>Splits the tensors and determines the layout of each file.</summary>
    /// <exception cref="MemLoadException">ML9101, ML9107, ML9108, ML9109 or ML9112.</exception>
    /// <exception cref="OverflowException">The bytes of all files do not fit 64 bits.</exception>
    public ShardedWriter(IWeightSource source, string target, long maxShardBytes)
    {
        if (maxShardBytes < 1)
        {
            throw Rules.ShardSize.Broken($"shards of at most {maxShardBytes} bytes were requested", target);
        }
        RequireTensors(source, target);
        List<List<TensorEntry>> groups = Split(source.Tensors, maxShardBytes);
        var placed = new List<(TensorEntry Tensor, string File)>();
        for (int i = 0; i < groups.Count; i++)
        {
            string name = groups.Count == 1 ? Single
                : string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:00000}-of-{groups.Count:00000}.safetensors");
            _shards.Add((name, new SafetensorsWriter(source, [.. groups[i]], Path.Combine(target, name))));
            placed.AddRange(groups[i].Select(tensor => (tensor, name)));
        }
        _index = groups.Count == 1 ? [] : Index(placed);
        AddUp();
    }

    protected override IEnumerable<(string Name, long Length, Action<FileAppender> Write)> Files
    {
        get
        {
            foreach ((string name, SafetensorsWriter writer) in _shards)
            {
                yield return (name, writer.Length, writer.Write);
            }
            if (_index.Length > 0)
            {
                yield return (IndexName, _index.Length, output => output.Append(_index));
            }
        }
    }

    /// <summary>True for the names of the files that this class writes.</summary>
    public static bool IsOurs(string name) => name is Single or IndexName || ShardName().IsMatch(name);

    // As huggingface_hub does: in the order of the tensors, each file is filled up to the limit. A tensor above the limit is a file.
    private static List<List<TensorEntry>> Split(ImmutableArray<TensorEntry> tensors, long most)
    {
        var groups = new List<List<TensorEntry>>();
        var current = new List<TensorEntry>();
        long bytes = 0;
        foreach (TensorEntry tensor in tensors)
        {
            if (tensor.Bytes > most)
            {
                groups.Add([tensor]);
                continue;
            }
            if (tensor.Bytes > most - bytes)
            {
                groups.Add(current);
                current = [];
                bytes = 0;
            }
            current.Add(tensor);
            bytes += tensor.Bytes;
        }
        if (current.Count > 0)
        {
            groups.Add(current);
        }
        return groups;
    }

    // json.dumps(index, indent=2, sort_keys=True) of Python, and a line break.
    private static byte[] Index(List<(TensorEntry Tensor, string File)> placed)
    {
        var json = new StringBuilder("{\n  \"metadata\": {\n    \"total_size\": ");
        long total = placed.Aggregate(0L, (sum, item) => checked(sum + item.Tensor.Bytes));
        json.Append(CultureInfo.InvariantCulture, $"{total}\n  }},\n  \"weight_map\": {{");
        string separator = "\n";
        foreach ((TensorEntry tensor, string file) in placed.OrderBy(
            item => Encoding.UTF8.GetBytes(item.Tensor.Name), SafetensorsWriter.CodePoints))
        {
            json.Append(separator).Append("    ");
            AppendText(json, tensor.Name);
            json.Append(": \"").Append(file).Append('"');
            separator = ",\n";
        }
        return Encoding.ASCII.GetBytes(json.Append("\n  }\n}\n").ToString());
    }

    private static void AppendText(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' or '\\' => json.Append('\\').Append(c),
                '\t' => json.Append("\\t"),
                > '~' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }
        json.Append('"');
    }

    [GeneratedRegex("^model-[0-9]{5,}-of-[0-9]{5,}\\.safetensors$", RegexOptions.CultureInvariant)]
    private static partial Regex ShardName();
}
