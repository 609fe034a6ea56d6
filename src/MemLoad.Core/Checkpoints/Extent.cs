namespace MemLoad;

/// <summary>The location of the bytes of a storage.</summary>
/// <param name="File">Index into <see cref="Checkpoint.Files"/>.</param>
/// <param name="Offset">Byte offset in that file.</param>
/// <param name="Length">Length in bytes; 0 for the storage of empty tensors.</param>
/// <remarks>
/// A storage of a distributed checkpoint can consist of several <see cref="Chunks"/>. The storage of a slice of columns is a chunk whose
/// rows are not consecutive in the file. File and offset are then those of the first chunk, and the length is that of all.
/// </remarks>
public readonly record struct Extent(int File, long Offset, long Length)
{
    private readonly ImmutableArray<StorageChunk> _chunks;

    /// <summary>The chunks that the storage consists of, by their place in it; empty if it is one piece of a file.</summary>
    public ImmutableArray<StorageChunk> Chunks
    {
        get => _chunks.IsDefault ? [] : _chunks;
        internal init => _chunks = value;
    }

    /// <summary>True if the storage is not one piece of a file.</summary>
    public bool IsInChunks => !_chunks.IsDefaultOrEmpty;

    /// <summary>The same range in a list with more files before its own.</summary>
    internal Extent WithFirstFile(int first) => !IsInChunks
        ? this with { File = first + File }
        : this with { File = first + File, Chunks = [.. Chunks.Select(chunk => chunk.WithFile(first + chunk.File))] };

    /// <summary>
    /// True if a chunk has several runs in the storage, or close runs in the file that are read with the bytes between them. Its bytes
    /// cannot be read directly to their destination.
    /// </summary>
    internal bool IsInRuns => Any(chunk => !chunk.IsOneRun || chunk.IsClose);

    /// <summary>True if its bytes are ranges of files, one after the other.</summary>
    internal bool IsCopyable => !Any(chunk => !chunk.IsOneRun || !chunk.IsOnePiece);

    private bool Any(Predicate<StorageChunk> predicate)
    {
        foreach (StorageChunk chunk in Chunks)
        {
            if (predicate(chunk))
            {
                return true;
            }
        }
        return false;
    }
}
