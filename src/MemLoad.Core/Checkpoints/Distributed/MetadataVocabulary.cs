using System.Collections.Frozen;

namespace MemLoad;

/// <summary>
/// The allowlist of a <c>.metadata</c> file: the classes of torch.distributed.checkpoint.metadata and filesystem, and the types of their
/// fields (PyTorch 1.13 to 2.9). Every other name is refused.
/// </summary>
/// <param name="budget">The budget of the file with the pickle.</param>
internal sealed class MetadataVocabulary(FileBudget budget) : IPickleVocabulary
{
    private const string Module = "torch.distributed.checkpoint.metadata.";
    private const string ShardedModule = "torch.distributed._shard.sharded_tensor.metadata."; // until PyTorch 2.2
    private const string Size = "torch.Size";
    private const int MostDimensions = 64;
    private const int MostParts = 1 << 10;

    private static readonly FrozenDictionary<string, Func<MetadataObject>> Classes = new Dictionary<string, Func<MetadataObject>>
    {
        [Module + "Metadata"] = () => new CheckpointMetadata(),
        [Module + "TensorStorageMetadata"] = () => new TensorMetadata(),
        [Module + "BytesStorageMetadata"] = () => new BytesMetadata(),
        [Module + "ChunkStorageMetadata"] = () => new ChunkMetadata(),
        [Module + "TensorProperties"] = () => new TensorProperties(),
        [ShardedModule + "TensorProperties"] = () => new TensorProperties(),
        [Module + "MetadataIndex"] = () => new RecordIndex(),
        [Module + "StorageMeta"] = () => new SaveMetadata(),
        ["torch.distributed.checkpoint.filesystem._StorageInfo"] = () => new RecordPlace(),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> MemoryFormats = new[]
    {
        Module + "_MEM_FORMAT_ENCODING", ShardedModule + "MEM_FORMAT_ENCODING",
    }.ToFrozenSet(StringComparer.Ordinal);

    // The path is never opened. It states where the checkpoint was saved.
    private static readonly FrozenSet<string> Paths = new[]
    {
        "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath",
        "pathlib._local.PosixPath", "pathlib._local.WindowsPath", "pathlib._local.PurePosixPath", "pathlib._local.PureWindowsPath",
    }.ToFrozenSet(StringComparer.Ordinal);

    // These have the same meaning in every pickle of PyTorch.
    private static readonly FrozenSet<string> Shared = new[]
    {
        Size, "torch.serialization._get_layout", "collections.OrderedDict", "builtins.set", "builtins.list", "builtins.dict",
    }.ToFrozenSet(StringComparer.Ordinal);

    private readonly TorchVocabulary _torch = new(budget);

    public object? Resolve(string module, string name, long at)
    {
        string full = $"{module}.{name}";
        return Classes.ContainsKey(full) || MemoryFormats.Contains(full) || Paths.Contains(full) ? new PickleGlobal(full)
            : Shared.Contains(full) ? TorchNames.Resolve(module, name)
            : module == "torch" && DTypes.TryFromTorchName(name, out _) ? TorchNames.Resolve(module, name)
            : null;
    }

    public MemLoadException RefusalOf(string module, string name, bool isRoot, long at)
    {
        MemLoadException general = TorchNames.Refusal(module, name, isRoot: false, budget.Path, at);
        if (general.Rule == Rules.PickleAttack)
        {
            return general;
        }
        return module == "megatron" || module.StartsWith("megatron.", StringComparison.Ordinal)
            ? Rules.DistributedName.Broken(
                $"Megatron-Core wrote the metadata: it names {Printable.Quote($"{module}.{name}")}", budget.Path, at,
                remedy: "Export the checkpoint with Megatron-Core or Megatron-Bridge to safetensors, and open that.")
            : Rules.DistributedName.Broken($"the metadata names {Printable.Quote($"{module}.{name}")}", budget.Path, at);
    }

    public object? Call(object? callee, PickleSequence arguments, long at)
    {
        if (callee is not PickleGlobal { Name: string name })
        {
            return _torch.Call(callee, arguments, at);
        }
        if (name == Size && arguments.Items is [PickleSequence { Kind: PickleSequenceKind.Tuple } numbers])
        {
            return PickleSequence.Copy(PickleSequenceKind.Size, Whole(numbers, at), budget);
        }
        if (MemoryFormats.Contains(name))
        {
            return arguments.Items is [0L or 1L or 2L]
                ? IgnoredValue.Instance
                : throw Form($"{Printable.Quote(name)} has a number other than 0, 1 or 2", at);
        }
        if (Paths.Contains(name))
        {
            budget.Spend(FileBudget.Inspecting(arguments.Count));
            return arguments.Count <= MostParts && AreTexts(arguments.Items)
                ? IgnoredValue.Instance
                : throw Form("a path does not consist of strings", at);
        }
        return Classes.ContainsKey(name)
            ? throw Form($"{Printable.Quote(name)} is called, and not created without its constructor", at)
            : _torch.Call(callee, arguments, at);
    }

    public object? Create(object? type, PickleSequence arguments, long at)
    {
        if (type is not PickleGlobal { Name: string name } || !Classes.TryGetValue(name, out Func<MetadataObject>? make))
        {
            return _torch.Create(type, arguments, at);
        }
        budget.Spend(MetadataObject.Overhead);
        return arguments.Count == 0 ? make() : throw Form($"{Printable.Quote(name)} is created with arguments", at);
    }

    public void Build(object? target, object? state, long at)
    {
        if (target is not MetadataObject made)
        {
            _torch.Build(target, state, at);
            return;
        }
        if (made.IsBuilt)
        {
            throw Form("an object of the metadata is changed after its creation", at);
        }
        made.IsBuilt = true;
        bool right = (made, state) switch
        {
            (TensorProperties properties, PickleSequence { Kind: PickleSequenceKind.Tuple } tuple) => Set(properties, tuple.Items),
            (TensorProperties, _) => false,
            (_, PickleDict { HasTextKeysOnly: true } fields) => Set(made, fields),
            _ => false,
        };
        if (!right)
        {
            throw Form($"the fields of {Describe(made)} are not those that PyTorch writes", at);
        }
    }

    // dtype, layout, requires_grad, memory format, pin_memory
    private static bool Set(TensorProperties properties, ReadOnlySpan<object?> state)
    {
        const string Prefix = "torch.";
        if (state is not [TorchConstant dtype, TorchConstant layout, bool, IgnoredValue, bool]
            || !DTypes.TryFromTorchName(dtype.Repr[Prefix.Length..], out DType type) || !type.IsOfPyTorch())
        {
            return false;
        }
        properties.DType = type;
        properties.Layout = layout.Repr;
        return true;
    }

    private bool Set(MetadataObject made, PickleDict fields)
    {
        int known = 0;
        switch (made)
        {
            case CheckpointMetadata all:
                all.StateDict = Take(fields, "state_dict_metadata", ref known) as PickleDict;
                all.StorageData = Take(fields, "storage_data", ref known) as PickleDict;
                Take(fields, "planner_data", ref known);
                return Take(fields, "storage_meta", ref known) is null or SaveMetadata
                    && Take(fields, "version", ref known) is null or string
                    && all.StateDict is not null
                    && all.StorageData is not null
                    && known == fields.Items.Count;
            case TensorMetadata tensor:
                tensor.Properties = Take(fields, "properties", ref known) as TensorProperties;
                tensor.Size = Shape(Take(fields, "size", ref known));
                tensor.Chunks = Take(fields, "chunks", ref known) as PickleSequence;
                return tensor.Properties is { IsBuilt: true }
                    && tensor.Size is not null
                    && tensor.Chunks is { Kind: PickleSequenceKind.List }
                    && known == fields.Items.Count;
            case ChunkMetadata chunk:
                chunk.Offsets = Shape(Take(fields, "offsets", ref known));
                chunk.Sizes = Shape(Take(fields, "sizes", ref known));
                return chunk.Offsets is not null && chunk.Sizes is not null && known == fields.Items.Count;
            case RecordIndex index:
                object? offset = Take(fields, "offset", ref known);
                PickleSequence? offsets = Shape(offset);
                if (Take(fields, "fqn", ref known) is not string name || Take(fields, "index", ref known) is not (null or long)
                    || (offset is not null && offsets is null) || known != fields.Items.Count)
                {
                    return false;
                }
                index.Identity = RecordIndex.IdentityOf(name, offsets, budget);
                return true;
            case RecordPlace place:
                place.File = Take(fields, "relative_path", ref known) as string ?? "";
                place.Offset = Take(fields, "offset", ref known) as long? ?? -1;
                place.Length = Take(fields, "length", ref known) as long? ?? -1;
                place.IsTransformed = Take(fields, "transform_descriptors", ref known) is not null;
                return place is { Offset: >= 0, Length: >= 0 } && fields.Get("relative_path") is string && known == fields.Items.Count;
            case SaveMetadata:
                return Take(fields, "checkpoint_id", ref known) is null or string or IgnoredValue
                    & Take(fields, "save_id", ref known) is null or string
                    & Take(fields, "load_id", ref known) is null or string
                    & Take(fields, "modules", ref known) is null or PickleSequence
                    & known == fields.Items.Count;
            default:
                return fields.Items.Count == 0;
        }
    }

    private static object? Take(PickleDict fields, string name, ref int known)
    {
        known += fields.Contains(name) ? 1 : 0;
        return fields.Get(name);
    }

    private static PickleSequence? Shape(object? value) =>
        value is PickleSequence { Kind: PickleSequenceKind.Size, Count: <= MostDimensions } size ? size : null;

    private ReadOnlySpan<object?> Whole(PickleSequence numbers, long at)
    {
        foreach (object? number in numbers.Items)
        {
            if (number is not long)
            {
                throw Rules.PickleArguments.Broken("a torch.Size does not consist of 64-bit integers", budget.Path, at);
            }
        }
        return numbers.Items;
    }

    private static bool AreTexts(ReadOnlySpan<object?> items)
    {
        foreach (object? item in items)
        {
            if (item is not string)
            {
                return false;
            }
        }
        return true;
    }

    private static string Describe(MetadataObject made) => made switch
    {
        CheckpointMetadata => "Metadata",
        TensorMetadata => "TensorStorageMetadata",
        BytesMetadata => "BytesStorageMetadata",
        ChunkMetadata => "ChunkStorageMetadata",
        TensorProperties => "TensorProperties",
        RecordIndex => "MetadataIndex",
        RecordPlace => "_StorageInfo",
        _ => "StorageMeta",
    };

    private MemLoadException Form(string finding, long at) => Rules.DistributedForm.Broken(finding, budget.Path, at);
}
