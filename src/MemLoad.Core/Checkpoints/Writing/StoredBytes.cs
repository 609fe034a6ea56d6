namespace MemLoad;

/// <summary>A range of bytes of a file, which is produced when it is written.</summary>
/// <param name="Length">The number of bytes.</param>
/// <param name="Write">Appends the bytes in order, and gives each piece to the sink before it is appended.</param>
internal readonly record struct StoredBytes(long Length, Action<FileAppender, ElementSink> Write)
{
    /// <summary>Creates a range of existing bytes.</summary>
    public static StoredBytes Of(byte[] bytes) => new(bytes.Length, (output, seen) =>
    {
        seen(bytes);
        output.Append(bytes);
    });

    /// <summary>Creates a range of the elements of a tensor.</summary>
    public static StoredBytes Of(IWeightSource source, TensorEntry tensor) =>
        new(tensor.Bytes, (output, seen) => output.Append(source, tensor, seen));
}
