namespace MemLoad;

/// <summary>The files of a folder, whose layouts are known before any byte is written.</summary>
internal abstract class CheckpointFolderWriter
{
    private const int BlockBytes = 4096; // the disk space of a file is a multiple of blocks

    /// <summary>The sum of the bytes of all files.</summary>
    public long Length { get; private set; }

    /// <summary>The maximum disk space of the files.</summary>
    public long DiskBytes { get; private set; }

    /// <summary>The files in the order in which they are written.</summary>
    protected abstract IEnumerable<(string Name, long Length, Action<FileAppender> Write)> Files { get; }

    /// <summary>Fills the temporary folder of a target.</summary>
    public void Write(string folder, string target, WriteSession session)
    {
        using var flushes = new FileFlushes(session);
        foreach ((string name, long length, Action<FileAppender> write) in Files)
        {
            flushes.Write(Path.Combine(folder, name), Path.Combine(target, name), length, write);
        }
        flushes.Complete();
    }

    /// <summary>Refuses a source without tensors, because no reader takes a folder without tensors for a checkpoint.</summary>
    /// <exception cref="MemLoadException">ML9101.</exception>
    protected static void RequireTensors(IWeightSource source, string target)
    {
        if (source.Tensors.IsEmpty)
        {
            throw Rules.FormatNotWritable.Broken("there are no tensors, and a folder without tensors is not a checkpoint", target,
                remedy: $"Write one file instead: safetensors or pth ({Setting.Format}).");
        }
    }

    /// <summary>Adds the files up. The constructor of a derived class calls it when it knows them.</summary>
    /// <exception cref="OverflowException">The sum does not fit 64 bits.</exception>
    protected void AddUp()
    {
        foreach ((_, long length, _) in Files)
        {
            Length = checked(Length + length);
            DiskBytes = checked(DiskBytes + length + BlockBytes);
        }
    }
}
