namespace MemLoad;

/// <summary>A checkpoint that was written.</summary>
/// <param name="Path">Absolute path of the file or folder.</param>
/// <param name="Format">Its format.</param>
/// <param name="TensorCount">Tensors in it.</param>
/// <param name="FileBytes">Bytes of all its files.</param>
public sealed record WriteResult(string Path, CheckpointFormat Format, long TensorCount, long FileBytes);

/// <summary>A write that is prepared: the weights, the target and the format. Nothing is changed before <see cref="Run"/>.</summary>
public sealed class WriteJob
{
    private const int NamesShown = 3;

    private readonly IWeightSource _source;
    private readonly bool _overwrite;
    private readonly long? _maxShardBytes;

    /// <summary>Prepares a job that writes shards.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="folder">The folder to write.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in a file.</param>
    /// <param name="overwrite">Whether an existing target is replaced.</param>
    /// <exception cref="MemLoadException">As <see cref="CheckpointWriter.CountShardBytes"/>.</exception>
    public WriteJob(IWeightSource source, string folder, long maxShardBytes, bool overwrite)
    {
        Bytes = CheckpointWriter.CountShardBytes(source, folder, maxShardBytes);
        _source = source;
        _overwrite = overwrite;
        _maxShardBytes = maxShardBytes;
        Path = folder;
        Format = CheckpointFormat.Sharded;
    }

    /// <summary>Prepares a job.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="path">The file or folder to write.</param>
    /// <param name="format">The format.</param>
    /// <param name="overwrite">Whether an existing target is replaced.</param>
    /// <exception cref="MemLoadException">As <see cref="CheckpointWriter.CountBytes"/>.</exception>
    public WriteJob(IWeightSource source, string path, CheckpointFormat format, bool overwrite)
    {
        Bytes = CheckpointWriter.CountBytes(source, path, format);
        _source = source;
        _overwrite = overwrite;
        Path = path;
        Format = format;
    }

    /// <summary>The file or folder to write.</summary>
    public string Path { get; }

    /// <summary>The format.</summary>
    public CheckpointFormat Format { get; }

    /// <summary>Bytes that will be written.</summary>
    public long Bytes { get; }

    /// <summary>
    /// The content that the format cannot store, for messages: entries of the source that are not tensors. Null if there are none.
    /// </summary>
    public string? LeftOut
    {
        get
        {
            if (_source is not Checkpoint { Metadata: { Count: > 0 } entries })
            {
                return null;
            }
            string names = string.Join(", ", entries.Keys.Take(NamesShown).Select(name => Printable.Text(name, Printable.LongestName)));
            return $"left out {entries.Count} {(entries.Count == 1 ? "entry that is not a tensor" : "entries that are not tensors")}: "
                + $"{names}{(entries.Count > NamesShown ? ", …" : "")}";
        }
    }

    /// <summary>Writes.</summary>
    /// <param name="bytesWritten">Takes the bytes written so far, of <see cref="Bytes"/>.</param>
    /// <param name="cancellationToken">Stops within a few MiB; nothing is left behind.</param>
    /// <exception cref="MemLoadException">As <see cref="CheckpointWriter.Write"/>.</exception>
    public WriteResult Run(IProgress<long>? bytesWritten, CancellationToken cancellationToken)
    {
        if (_maxShardBytes is long most)
        {
            CheckpointWriter.WriteShards(_source, Path, most, _overwrite, bytesWritten, cancellationToken);
        }
        else
        {
            CheckpointWriter.Write(_source, Path, Format, _overwrite, bytesWritten, cancellationToken);
        }
        return new WriteResult(FullPath.Of(Path), Format, _source.Tensors.Length, Bytes);
    }
}
