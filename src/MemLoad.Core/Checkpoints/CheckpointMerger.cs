namespace MemLoad;

/// <summary>Concatenates the files and storages of several checkpoints. The caller selects the tensors in its own order.</summary>
internal sealed class CheckpointMerger
{
    private const int MostFindings = 3;

    private readonly List<CheckpointFile> _files = [];
    private readonly List<Extent> _storages = [];
    private readonly List<TensorEntry> _tensors = [];
    private readonly List<string> _findings = [];
    private long? _objects;

    /// <summary>Adds a part and returns the index of its first storage. Shared storages of the part stay shared.</summary>
    public int AddPart(Checkpoint part)
    {
        part.RequireWhole();
        int firstFile = _files.Count;
        int firstStorage = _storages.Count;
        _files.AddRange(part.Files);
        _findings.AddRange(part.Findings.Select(finding => $"in {Printable.Quote(Path.GetFileName(part.Path))} {finding}"));
        _objects = part.OpaqueObjects is long count ? count + (_objects ?? 0) : _objects;
        _storages.AddRange(part.Storages.Select(storage => storage.WithFirstFile(firstFile)));
        return firstStorage;
    }

    /// <summary>Adds a tensor of a part under a name.</summary>
    public void AddTensor(string name, TensorEntry tensor, int firstStorage) =>
        _tensors.Add(
            name == tensor.Name && firstStorage == 0 ? tensor : tensor with { Name = name, Storage = firstStorage + tensor.Storage });

    /// <summary>Adds all tensors of the parts of one model. Each name is in one part.</summary>
    /// <exception cref="MemLoadException">ML6001.</exception>
    public void AddAll(Checkpoint[] parts)
    {
        var homes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (Checkpoint part in parts)
        {
            int firstStorage = AddPart(part);
            foreach (TensorEntry tensor in part.Tensors)
            {
                if (!homes.TryAdd(tensor.Name, part.Path))
                {
                    throw Rules.NameRepeated.Broken(
                        $"the name {Printable.Quote(tensor.Name)} occurs in "
                            + $"{Printable.Quote(Path.GetFileName(homes[tensor.Name]))} as well",
                        part.Path);
                }
                AddTensor(tensor.Name, tensor, firstStorage);
            }
        }
    }

    /// <summary>The merged checkpoint.</summary>
    /// <exception cref="MemLoadException">ML1004.</exception>
    public Checkpoint Build(string path, CheckpointFormat format, IReadOnlyDictionary<string, object?> metadata)
    {
        Checkpoint.RequireLength(WeightsDigest.Saturated(_files.Select(file => file.Length)), path);
        return CheckpointBuilder.Trim(path, format, [.. _files], [.. _storages], [.. _tensors], metadata).WithFindings(Findings())
            .WithObjects(_objects);
    }

    // Hundreds of shards of one writer have the same findings.
    private ImmutableArray<string> Findings() =>
        _findings.Count <= MostFindings
            ? [.. _findings]
            : [.. _findings.Take(MostFindings), $"{_findings.Count - MostFindings} more like these"];
}
