namespace MemLoad;

/// <summary>Which format a file's name asks for, and which name a format has.</summary>
public static class FormatNames
{
    /// <summary>The format to write under this name: by its extension; without one, or with a separator at the end, a folder. Null if the
    /// extension names no format that can be written.</summary>
    public static CheckpointFormat? FromPath(string path) =>
        Path.EndsInDirectorySeparator(path) ? CheckpointFormat.PerTensor : Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".pth" or ".pt" or ".bin" => CheckpointFormat.TorchZip,
            ".safetensors" => CheckpointFormat.Safetensors,
            "" => CheckpointFormat.PerTensor,
            _ => null,
        };

    /// <summary>Whether a file's name says that it is a checkpoint. Others may be one all the same: content decides when they are opened.</summary>
    public static bool IsOfCheckpoint(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Path.GetExtension(path).ToLowerInvariant() is ".pth" or ".pt" or ".bin" or ".ckpt" or ".safetensors"
            || path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a file of this format must not have this name: safetensors is trusted to be no pickle, so neither may pose as the other.</summary>
    public static bool Contradicts(string path, CheckpointFormat format)
    {
        string extension = Path.GetExtension(path).ToLowerInvariant();
        return format switch
        {
            CheckpointFormat.Safetensors => extension is ".pth" or ".pt" or ".ckpt",
            CheckpointFormat.TorchZip or CheckpointFormat.TorchLegacy => extension == ".safetensors",
            _ => false,
        };
    }

    /// <summary>The extension that goes with a format; empty for a folder.</summary>
    public static string ExtensionOf(CheckpointFormat format) => format switch
    {
        CheckpointFormat.TorchZip => ".pth",
        CheckpointFormat.Safetensors => ".safetensors",
        _ => "",
    };
}
