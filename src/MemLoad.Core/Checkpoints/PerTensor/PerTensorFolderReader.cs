namespace MemLoad;

/// <summary>
/// Reads a folder with one tensor per file. A PyTorch file has a bare tensor, whose name is the file name. A safetensors file has one named
/// tensor. The tensors are in ordinal order of the file names.
/// </summary>
internal static class PerTensorFolderReader
{
    /// <summary>Opens every tensor file in the folder.</summary>
    /// <exception cref="MemLoadException">ML5013, ML5014, and the rules of its files.</exception>
    public static Checkpoint Read(FolderListing listing, Opening opening)
    {
        string folder = listing.Folder;
        var merger = new CheckpointMerger();
        var fileOf = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in listing.TensorFiles)
        {
            opening.Stop.ThrowIfCancellationRequested();
            Checkpoint part = Checkpoint.OpenFile(Path.Combine(folder, file), opening).RequireWhole();
            if (part.Tensors is not [TensorEntry tensor] || !(tensor.Name.Length == 0 || part.Format == CheckpointFormat.Safetensors))
            {
                throw Rules.FileNotOneTensor.Broken(
                    $"of the files {Printable.List(listing.TensorFiles)} in the folder, {Printable.Quote(file)} contains {Describe(part)}"
                    + " and not one bare tensor", part.Path, remedy: TypedPath.OneOf(folder, [.. listing.ModelFiles]));
            }
            string name = tensor.Name.Length == 0 ? Path.GetFileNameWithoutExtension(file) : tensor.Name;
            if (ControlCharacters.AreInTensorName(name))
            {
                throw Rules.TensorNameControl.Broken($"the file name {Printable.Quote(file)} has a control character", part.Path);
            }
            if (!fileOf.TryAdd(name, file))
            {
                throw Rules.FileNameRepeated.Broken(
                    $"{Printable.Quote(fileOf[name])} and {Printable.Quote(file)} both contain the tensor {Printable.Quote(name)}", folder);
            }
            merger.AddTensor(name, tensor, merger.AddPart(part));
        }
        return merger.Build(folder, CheckpointFormat.PerTensor, new Dictionary<string, object?>());
    }

    private static string Describe(Checkpoint part) => part.Tensors.Length switch
    {
        0 => "no tensor",
        1 => $"a container with the tensor {Printable.Quote(part.Tensors[0].Name)}",
        _ => $"{part.Tensors.Length} tensors",
    };
}
