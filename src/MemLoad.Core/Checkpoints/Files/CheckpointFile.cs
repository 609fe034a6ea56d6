namespace MemLoad;

/// <summary>One file of a checkpoint, with its state when it was opened.</summary>
/// <param name="Path">Absolute path.</param>
/// <param name="Length">Its length in bytes.</param>
public sealed record CheckpointFile(string Path, long Length)
{
    /// <summary>The identity and the state of the file. Null for a file that was only described.</summary>
    internal FileStamp? Stamp { get; init; }

    /// <summary>The ranges whose bytes are decoded; null if the file has none.</summary>
    internal FileDecoding? Decoding { get; init; }

    /// <summary>The position in the file of an offset, which can be that of a decoded range.</summary>
    internal long PositionOf(long offset) => FileDecoding.Holds(offset) ? Decoding!.PhysicalOf(offset) : offset;
}
