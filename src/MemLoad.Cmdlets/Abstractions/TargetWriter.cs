using System.Globalization;

namespace MemLoad.Abstractions;

/// <summary>Where and in which format to write: what <c>Export-Weights</c> and <c>Convert-Weights</c> share.</summary>
internal static class TargetWriter
{
    /// <summary>The format that was asked for, by word or by the target's name.</summary>
    /// <exception cref="MemLoadException">ML9101: the name's extension stands for none.</exception>
    public static CheckpointFormat FormatOf(WeightFormat? format, string path) => format switch
    {
        WeightFormat.Pth => CheckpointFormat.TorchZip,
        WeightFormat.Safetensors => CheckpointFormat.Safetensors,
        WeightFormat.Folder => CheckpointFormat.PerTensor,
        _ => FormatNames.FromPath(path)
            ?? throw Rules.FormatNotWritable.Broken(
                $"the extension '{Path.GetExtension(path)}' stands for no format that is written", path, remedy: "Add -Format Pth, Safetensors or Folder."),
    };

    /// <summary>What ShouldProcess asks about.</summary>
    public static string Describe(string path, CheckpointFormat format, long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{path} ({format}, {bytes} bytes)");

    /// <summary>The item that is there now.</summary>
    public static FileSystemInfo Item(string path) => Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path);
}
