namespace MemLoad;

/// <summary>A range of bytes of a file, which is produced when it is written.</summary>
/// <param name="Length">The number of bytes.</param>
/// <param name="Stream">Produces the bytes in order and in pieces.</param>
internal readonly record struct StoredBytes(long Length, Action<ElementSink> Stream)
{
    /// <summary>Creates a range of existing bytes.</summary>
    public static StoredBytes Of(byte[] bytes) => new(bytes.Length, sink => sink(bytes));
}
