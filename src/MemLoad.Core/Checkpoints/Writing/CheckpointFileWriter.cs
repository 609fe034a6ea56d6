namespace MemLoad;

/// <summary>One file whose layout is known before any byte is written.</summary>
internal abstract class CheckpointFileWriter
{
    /// <summary>Length of the whole file in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>Writes the file from its first byte to its last.</summary>
    public abstract void Write(FileAppender output);
}
