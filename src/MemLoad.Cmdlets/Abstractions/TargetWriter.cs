namespace MemLoad.Abstractions;

/// <summary>The target and the format to write: what <c>Export-Weights</c> and <c>Convert-Weights</c> share.</summary>
internal static class TargetWriter
{
    /// <summary>Returns the requested format, from the parameter or from the name of the target.</summary>
    /// <exception cref="MemLoadException">ML9101: the extension of the name has no format.</exception>
    public static CheckpointFormat FormatOf(WeightFormat? format, string path) => format switch
    {
        WeightFormat.Pth => CheckpointFormat.TorchZip,
        WeightFormat.Safetensors => CheckpointFormat.Safetensors,
        WeightFormat.Folder => CheckpointFormat.PerTensor,
        _ => FormatNames.FromPath(path)
            ?? throw Rules.FormatNotWritable.Broken(
                $"no format that can be written has the extension '{Path.GetExtension(path)}'", path,
                remedy: "Add -Format Pth, Safetensors or Folder."),
    };

    /// <summary>Checks that the target can be a folder of shards.</summary>
    public static void RequireShards(string path, WeightFormat? format) =>
        FormatNames.RequireShards(path, format is null ? null : FormatOf(format, path));

    /// <summary>Returns the action that ShouldProcess asks about.</summary>
    public static string Describe(WriteJob job) => $"{job.Path} ({job.Format}, {job.Bytes} bytes)";

    /// <summary>
    /// Returns a file or folder as Get-Item does. Other commands take its PSPath literally. The name alone would be a pattern.
    /// </summary>
    public static PSObject Item(PSCmdlet command, string path)
    {
        // The current location can be on another provider.
        string named = $@"Microsoft.PowerShell.Core\FileSystem::{path}";
        return command.InvokeProvider.Item.Get([named], force: true, literalPath: true)[0];
    }

    /// <summary>Returns the file or folder that was written, with the properties that its view shows.</summary>
    public static PSObject Item(PSCmdlet command, WriteResult written)
    {
        PSObject item = Item(command, written.Path);
        item.TypeNames.Insert(0, "MemLoad.WrittenCheckpoint");
        item.Properties.Add(new PSNoteProperty("Format", written.Format.ToString()));
        item.Properties.Add(new PSNoteProperty("TensorCount", written.TensorCount));
        item.Properties.Add(new PSNoteProperty("FileBytes", written.FileBytes));
        return item;
    }
}
