namespace MemLoad;

/// <summary>One file, laid out to the last byte before anything is produced.</summary>
internal abstract class CheckpointFileWriter
{
    /// <summary>Length of the whole file in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>Produces the file from its first byte to its last.</summary>
    public abstract void Write(FileAppender output);
}
