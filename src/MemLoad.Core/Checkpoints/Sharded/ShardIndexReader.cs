using System.Text.Json;

namespace MemLoad;

/// <summary>
/// Reads a sharded checkpoint from Hugging Face's <c>model.safetensors.index.json</c> or <c>pytorch_model.bin.index.json</c>. The index
/// selects the tensors. A tensor that it does not name is left out with a finding. A tensor that it names must be in one of its shards. The
/// tensors are in the order of the <c>weight_map</c>.
/// </summary>
/// <remarks>
/// <c>metadata.total_size</c> is reported and not checked. Programs write the bytes of the tensors, with or without tied tensors, or the
/// bytes of the files. Names, shapes and bytes are compared with the shards, so a wrong total has no effect.
/// </remarks>
internal static class ShardIndexReader
{
    private const long LargestIndex = 100_000_000;

    // Bytes of a weight_map entry without its name, until the checkpoint is merged.
    private const int PlacementOverhead = 256;

    private static readonly JsonRules TextRules = new(Rules.IndexEncoding, Rules.IndexSyntax, Rules.IndexNameRepeated, Rules.IndexForm);

    /// <summary>One entry of the weight_map and its position.</summary>
    private readonly record struct Placement(string Tensor, string Shard, long Position);

    /// <summary>Reads the index and opens every shard it names.</summary>
    /// <exception cref="MemLoadException">ML5001 to ML5009, and the rules of its shards.</exception>
    public static Checkpoint Read(string indexPath, Opening opening)
    {
        var metadata = new Dictionary<string, object?>(StringComparer.Ordinal);
        FileBudget own = opening.Budget.OfFile(indexPath);
        List<Placement> placements = ParseIndex(own, metadata);
        own.Settle();

        var merger = new CheckpointMerger();
        Dictionary<string, Shard> shards = OpenShards(placements, indexPath, merger, opening);
        List<string> moved = [];
        foreach (Placement placement in placements)
        {
            Shard shard = shards[placement.Shard];
            if (!shard.Unclaimed.Remove(placement.Tensor, out TensorEntry? tensor))
            {
                shard = Holder(placement, shards, indexPath);
                _ = shard.Unclaimed.Remove(placement.Tensor, out tensor);
                moved.Add(placement.Tensor);
            }
            merger.AddTensor(tensor!.Name, tensor, shard.FirstStorage);
        }
        string[] unnamed = [.. shards.Values.SelectMany(shard => shard.Unclaimed.Keys)];
        string[] findings =
        [
            .. Finding("in another shard than the index states", moved),
            .. Finding("left out of the shards, because the index does not place them there", unnamed),
        ];
        return merger.Build(indexPath, CheckpointFormat.Sharded, metadata).WithFindings([.. findings]);
    }

    private static IEnumerable<string> Finding(string what, IReadOnlyCollection<string> tensors) =>
        tensors.Count == 0 ? [] : [$"{what}: {Printable.List(tensors)}"];

    // Other readers load all shards that an index names, and find a tensor in any of them. Here the tensor must be in exactly one shard.
    private static Shard Holder(Placement placement, Dictionary<string, Shard> shards, string indexPath)
    {
        string[] holders = [.. shards.Where(shard => shard.Value.Unclaimed.ContainsKey(placement.Tensor)).Select(shard => shard.Key)];
        string finding = $"tensor {Printable.Quote(placement.Tensor)} is not in its shard {Printable.Quote(placement.Shard)}";
        return holders.Length switch
        {
            1 => shards[holders[0]],
            0 => throw Rules.TensorNotInShard.Broken(
                $"{finding} and not in another shard that the index names",
                indexPath,
                placement.Position,
                remedy: RemedyByFolder(indexPath)),
            _ => throw Rules.TensorNotInShard.Broken(
                $"{finding}, and {Printable.List(holders)} contain a tensor with that name",
                indexPath,
                placement.Position),
        };
    }

    // If an index cannot be used, the folder can also have the whole model.
    private static Remedy? RemedyByFolder(string indexPath)
    {
        if (RemoteAddress.Is(indexPath))
        {
            return null;
        }
        string folder = Path.GetDirectoryName(indexPath)!;
        return FolderReader.OtherWeightsOf(indexPath) switch
        {
            (string file, false) => (Remedy)
                $"The folder has a complete file next to the index: {(Setting.Path, TypedPath.Of(Path.Combine(folder, file)))}. Otherwise "
                    + $"download the index and its shards again.",
            (string set, true) => (Remedy)(
                $"The folder has all of {Printable.Quote(set)}. If the index belongs to another version of the model, remove it,"
                + " and MemLoad opens those files. Otherwise download the index and its shards again."),
            _ => null,
        };
    }

    private static List<Placement> ParseIndex(FileBudget budget, Dictionary<string, object?> metadata)
    {
        string path = budget.Path;
        using WholeFile file = budget.Whole.Remote is RemoteSession remote
            ? remote.TryOpenWhole(path, LargestIndex) ?? remote.Open(path)
            : CheckpointFileReader.Open(HubCache.Follow(path));
        LfsPointer.Refuse(file, path);
        if (file.Length is 0 or > LargestIndex)
        {
            throw file.Length == 0 ? Rules.FileEmpty.Broken("the file has no bytes", path)
                : Rules.IndexTooLarge.Broken($"the index has {file.Length} bytes", path);
        }
        var json = new StrictJson(file, TextRules, budget);
        var placements = new List<Placement>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        json.Next(JsonTokenType.StartObject, "the index");
        while (json.NextName(names, out string name))
        {
            switch (name)
            {
                case "weight_map":
                    ParseWeightMap(ref json, placements, budget);
                    break;
                case "metadata":
                    json.Next(JsonTokenType.StartObject, "metadata");
                    json.Flatten("", metadata);
                    break;
                default:
                    // Later versions may have more fields, which must be valid JSON.
                    json.Next();
                    json.Skip();
                    break;
            }
        }
        json.End(Rules.IndexSyntax);
        return placements.Count > 0
            ? placements
            : throw Rules.IndexForm.Broken("the index has no weight_map with tensors in it", path);
    }

    private static void ParseWeightMap(ref StrictJson json, List<Placement> placements, FileBudget budget)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        string latest = "";
        json.Next(JsonTokenType.StartObject, "weight_map");
        while (json.NextName(names, out string tensor))
        {
            // Neighboring tensors are usually in the same shard. They share one string.
            string shard = latest = json.NextText("the shard", tensor, latest);
            if (!FolderNames.IsPlain(shard))
            {
                throw json.Broken(
                    Rules.ShardNamePlain,
                    $"tensor {Printable.Quote(tensor)} is placed in {Printable.Quote(shard)}, which is not a plain file name");
            }
            budget.Spend(PlacementOverhead);
            placements.Add(new Placement(tensor, shard, json.Position));
        }
    }

    // Opens each shard once.
    private static Dictionary<string, Shard> OpenShards(
        List<Placement> placements, string indexPath, CheckpointMerger merger, Opening opening)
    {
        Placement[] first = [.. placements.DistinctBy(placement => placement.Shard, StringComparer.Ordinal)];
        Checkpoint[] opened = ShardFiles.OpenAll(first.Length, (i, stop) => OpenShard(first[i], indexPath, opening with { Stop = stop }),
            opening.Stop, opening.Budget.Remote is null ? null : RemoteSession.Connections);
        return first.Zip(opened).ToDictionary(
            pair => pair.First.Shard,
            pair => new Shard(merger.AddPart(pair.Second), pair.Second.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal)),
            StringComparer.Ordinal);
    }

    private static Checkpoint OpenShard(Placement placement, string indexPath, Opening opening)
    {
        if (opening.Budget.Remote is not null && !placement.Shard.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            return Checkpoint.OpenFile(RemoteSession.InFolderOf(indexPath, placement.Shard), opening);
        }
        string path = Path.Combine(Path.GetDirectoryName(indexPath)!, placement.Shard);
        string name = Printable.Quote(placement.Shard);
        // An index as a shard could refer to itself.
        if (Directory.Exists(path) || path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            throw Rules.ShardKind.Broken($"shard {name} is not a tensor file", indexPath, placement.Position);
        }
        if (!File.Exists(path))
        {
            throw HubCache.DanglingLink(path)
                ?? Rules.ShardMissing.Broken(
                    $"shard {name} is not in the folder of its index", indexPath, placement.Position, remedy: RemedyByFolder(indexPath));
        }
        return Checkpoint.OpenFile(path, opening);
    }

    /// <summary>
    /// An opened shard: the index of its first storage in the merged checkpoint, and the tensors that the index has not named yet.
    /// </summary>
    private sealed record Shard(int FirstStorage, Dictionary<string, TensorEntry> Unclaimed);
}
