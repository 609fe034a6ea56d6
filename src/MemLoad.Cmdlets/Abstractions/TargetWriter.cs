using System.Globalization;
using System.Management.Automation;

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

    /// <summary>The file or folder that is there now, with what its view shows of it.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="format">What was written.</param>
    /// <param name="tensors">Tensors in it.</param>
    /// <param name="bytes">Their bytes, with headers.</param>
    public static PSObject Item(string path, CheckpointFormat format, int tensors, long bytes)
    {
        var item = PSObject.AsPSObject(Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path));
        item.TypeNames.Insert(0, "MemLoad.WrittenCheckpoint");
        item.Properties.Add(new PSNoteProperty("Format", format.ToString()));
        item.Properties.Add(new PSNoteProperty("TensorCount", (long)tensors));
        item.Properties.Add(new PSNoteProperty("FileBytes", bytes));
        return item;
    }
}
