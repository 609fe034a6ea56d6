namespace MemLoad;

/// <summary>A stretch of bytes that goes into a file whole, produced when its turn comes.</summary>
/// <param name="Length">How many bytes.</param>
/// <param name="Stream">Delivers them, in order and in pieces.</param>
internal readonly record struct StoredBytes(long Length, Action<ElementSink> Stream)
{
    /// <summary>Bytes that exist already.</summary>
    public static StoredBytes Of(byte[] bytes) => new(bytes.Length, sink => sink(bytes));
}
