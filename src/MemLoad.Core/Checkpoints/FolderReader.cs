namespace MemLoad;

/// <summary>
/// Determines the kind of checkpoint in a folder. With one <c>*.index.json</c> the folder is sharded. Otherwise a single file of tensors is
/// the checkpoint, as in the folder of a small model, or a single set of GGUF files is. Otherwise the folder has one file per tensor. If two readings are possible, the user
/// must name the file.
/// </summary>
internal static class FolderReader
{
    /// <summary>Opens a folder.</summary>
    /// <param name="folder">Absolute path of the folder.</param>
    /// <param name="budget">The memory that opening may use.</param>
    /// <param name="files">Keeps the files open. Null closes them.</param>
    /// <param name="ct">Stops the reading.</param>
    /// <exception cref="MemLoadException">ML5001 to ML5014, and the rules of its files.</exception>
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
        if (listing.TensorFiles is [string lone] || GgufSet.IsOneSet(listing.TensorFiles, out lone))
        {
            Checkpoint checkpoint = GgufSet.Whole(Checkpoint.OpenFile(Path.Combine(folder, lone), budget, files, ct), budget, files, ct);
            if (checkpoint.Tensors is not [{ Name: "" }])
            {
                return checkpoint;
            }
        }
        return PerTensorFolderReader.Read(folder, budget, files, ct);
    }
}
