namespace MemLoad;

/// <summary>
/// Tells what kind of checkpoint a folder is: one <c>*.index.json</c> makes it sharded; else a lone file of tensors is the checkpoint, as in
/// the folder of a small model; else it has one file per tensor. Nothing is guessed: where two readings are possible, the user names the file.
/// </summary>
internal static class FolderReader
{
    /// <summary>Opens a folder.</summary>
    /// <param name="folder">Absolute path of the folder.</param>
    /// <param name="budget">What opening may take.</param>
    /// <param name="files">Takes the open files; null to close them.</param>
    /// <param name="ct">Stops the reading.</param>
    /// <exception cref="MemLoadException">ML5001 to ML5014, and what is wrong with a file.</exception>
    public static Checkpoint Read(string folder, OpenBudget budget, CheckpointFileSet? files, CancellationToken ct)
    {
        FolderListing listing = FolderListing.Of(folder);
        switch (listing.Indexes)
        {
            case [string index]:
                return ShardIndexReader.Read(Path.Combine(folder, index), budget, files, ct);
            case [_, _, ..]:
                throw Rules.FolderAmbiguous.Broken($"the folder has the indexes {Printable.List(listing.Indexes)}", folder);
        }
        if (listing.TensorFiles is [string lone])
        {
            Checkpoint checkpoint = Checkpoint.OpenFile(Path.Combine(folder, lone), budget, files, ct);
            if (checkpoint.Tensors is not [{ Name: "" }])
            {
                return checkpoint;
            }
        }
        return PerTensorFolderReader.Read(folder, budget, files, ct);
    }
}
