namespace MemLoad;

/// <summary>Maps file names to formats and formats to file names.</summary>
internal static class FormatNames
{
    /// <summary>
    /// Returns the format for a name from its extension. A name without an extension, or with a separator at the end, is a folder. Null if
    /// the extension names no format that can be written.
    /// </summary>
    public static CheckpointFormat? FromPath(string path) =>
        Path.EndsInDirectorySeparator(path) ? CheckpointFormat.PerTensor : Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".pth" or ".pt" or ".bin" => CheckpointFormat.TorchZip,
            ".safetensors" => CheckpointFormat.Safetensors,
            "" => CheckpointFormat.PerTensor,
            _ => null,
        };

    /// <summary>Refuses a target or a format that shards cannot have: they are safetensors files in a folder.</summary>
    /// <exception cref="MemLoadException">ML9112.</exception>
    public static void RequireShards(string path, CheckpointFormat? format)
    {
        if (format is not (null or CheckpointFormat.Safetensors))
        {
            throw Rules.ShardSize.Broken($"shards of {format} were requested", path);
        }
        if (FromPath(path) is CheckpointFormat.TorchZip or CheckpointFormat.Safetensors)
        {
            throw Rules.ShardSize.Broken(
                $"shards were requested, and the target is the file {Printable.Quote(Path.GetFileName(path))}", path);
        }
    }

    /// <summary>
    /// Whether a file has the name of a checkpoint. Other files can be checkpoints, too, because the content determines the format.
    /// </summary>
    public static bool IsOfCheckpoint(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Path.GetExtension(path).ToLowerInvariant() is ".pth" or ".pt" or ".bin" or ".ckpt" or ".safetensors" or ".gguf" or ".distcp"
            || path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>
    /// Whether a file of this format must not have this name. Users trust that a .safetensors or .gguf file is not a pickle, so no format
    /// may have the name of another.
    /// </summary>
    public static bool Contradicts(string path, CheckpointFormat format)
    {
        string extension = Path.GetExtension(path).ToLowerInvariant();
        return format switch
        {
            CheckpointFormat.Safetensors => extension is ".pth" or ".pt" or ".ckpt" or ".gguf",
            CheckpointFormat.TorchZip or CheckpointFormat.TorchLegacy => extension is ".safetensors" or ".gguf",
            CheckpointFormat.Gguf => extension is ".pth" or ".pt" or ".ckpt" or ".safetensors",
            _ => false,
        };
    }

    /// <summary>
    /// Returns the name of a checkpoint: that of a folder, or that of a file without its extension. An index has the name of its model,
    /// such as <c>model</c> for <c>model.safetensors.index.json</c>.
    /// </summary>
    public static string NameOf(string path)
    {
        path = Path.TrimEndingDirectorySeparator(path);
        string name = Path.GetFileName(path);
        return Directory.Exists(path) ? name : FolderNames.ModelOfIndex(name) ?? Path.GetFileNameWithoutExtension(name);
    }

    /// <summary>Returns the default path of what is made from a checkpoint: its name, in its folder, without an extension.</summary>
    /// <param name="checkpoint">An absolute path.</param>
    /// <exception cref="MemLoadException">ML9103: the checkpoint is a folder in the cache of the hub.</exception>
    public static string DefaultTargetOf(string checkpoint)
    {
        HubCache.RequireNoSnapshot(checkpoint);
        return Path.Combine(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(checkpoint)) ?? "", NameOf(checkpoint));
    }

    /// <summary>Returns the extension of a format. Empty for a folder.</summary>
    public static string ExtensionOf(CheckpointFormat format) => format switch
    {
        CheckpointFormat.TorchZip => ".pth",
        CheckpointFormat.Safetensors => ".safetensors",
        _ => "",
    };
}
