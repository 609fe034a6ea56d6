namespace MemLoad;

/// <summary>A whole file whose headers are read: on a file system, or on a server.</summary>
internal abstract class WholeFile : FileRange, IDisposable
{
    /// <summary>The ranges whose bytes are decoded; null if the file has none.</summary>
    public FileDecoding? Decoding { get; set; }

    /// <summary>The description of the file in a checkpoint.</summary>
    public abstract CheckpointFile Described { get; }

    public abstract void Dispose();
}
