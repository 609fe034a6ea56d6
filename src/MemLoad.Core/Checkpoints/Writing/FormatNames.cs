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

    /// <summary>The extension that goes with a format; empty for a folder.</summary>
    public static string ExtensionOf(CheckpointFormat format) => format switch
    {
        CheckpointFormat.TorchZip => ".pth",
        CheckpointFormat.Safetensors => ".safetensors",
        _ => "",
    };
}
