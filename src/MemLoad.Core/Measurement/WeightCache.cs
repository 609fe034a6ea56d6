using System.Diagnostics;

namespace MemLoad;

/// <summary>The part of the files of a checkpoint that is in the page cache, and the cost of reading them into it.</summary>
public sealed record WeightCacheInfo
{
    /// <summary>Absolute path of the checkpoint.</summary>
    public required string Path { get; init; }
    /// <summary>The type of the file system, such as <c>nfs4</c>; null if the system does not report it.</summary>
    public string? FileSystem { get; init; }
    /// <summary>The number of files that hold the selected tensors.</summary>
    public required int FileCount { get; init; }
    /// <summary>The bytes of these files.</summary>
    public required long FileBytes { get; init; }
    /// <summary>The bytes that were in the page cache before; null if the system does not report them.</summary>
    public long? CachedBytesAtStart { get; init; }
    /// <summary>The bytes that are in the page cache now; null if the system does not report them.</summary>
    public long? CachedBytes { get; init; }
    /// <summary>Host memory that a page cache could use, in bytes; null if the platform reports no limit.</summary>
    public long? HostBudgetBytes { get; init; }
    /// <summary>The duration of the reading in microseconds; null if nothing was read.</summary>
    public long? ElapsedMicroseconds { get; init; }
    /// <summary>Bytes of the files per second; null if nothing was read.</summary>
    public long? BytesPerSecond { get; init; }
}

/// <summary>
/// Reads the files of a checkpoint into the page cache of the system. A later load then does not wait for a slow disk or a network. The
/// system keeps the pages until it needs the memory.
/// </summary>
public sealed class WeightCache
{
    private readonly string[] _files;

    /// <summary>Finds the files of a checkpoint, and determines which part of them is in the page cache. It reads no tensor.</summary>
    /// <param name="checkpoint">The checkpoint, or the selected part of it.</param>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1007: a file cannot be opened.</exception>
    public WeightCache(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        CheckpointFile[] files =
        [
            .. checkpoint.Storages
                .SelectMany(storage => storage.IsInChunks ? storage.Chunks.Select(chunk => chunk.File) : [storage.File])
                .Distinct().Order().Select(file => checkpoint.Files[file]),
        ];
        _files = [.. files.Select(file => file.Path)];
        long? cached = PageCache.CachedBytes(_files);
        State = new WeightCacheInfo
        {
            Path = checkpoint.Path,
            FileSystem = FileSystems.NameOf(checkpoint.Path),
            FileCount = files.Length,
            FileBytes = WeightsDigest.Saturated(files.Select(file => file.Length)),
            CachedBytesAtStart = cached,
            CachedBytes = cached,
            HostBudgetBytes = Headroom.Now().Binding?.BudgetBytes,
        };
    }

    /// <summary>The state of the page cache before the reading, and the bytes that would be read.</summary>
    public WeightCacheInfo State { get; }

    /// <summary>Reads the files that hold the tensors, each once and as a whole, with several threads.</summary>
    /// <param name="force">Whether files that are larger than the available memory are read, too.</param>
    /// <param name="bytesRead">Receives the number of bytes read, from several threads.</param>
    /// <param name="cancellationToken">Stops the reading. Pages that were read stay in the cache.</param>
    /// <returns>The state of the page cache after the reading.</returns>
    /// <exception cref="MemLoadException">ML8019: the files are larger than the available memory; ML1001, ML1002, ML1005, ML1007: a file
    /// cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public WeightCacheInfo Warm(bool force, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        if (!force && State.HostBudgetBytes is long budget && State.FileBytes > budget)
        {
            throw Rules.CacheTooSmall.Broken(
                $"the files have {Printable.Bytes(State.FileBytes)}, and the page cache can use {Printable.Bytes(budget)}", State.Path);
        }
        var clock = Stopwatch.StartNew();
        PageCache.Warm(_files, bytesRead, cancellationToken);
        long microseconds = Math.Max(1, (long)clock.Elapsed.TotalMicroseconds);
        return State with
        {
            CachedBytes = PageCache.CachedBytes(_files),
            ElapsedMicroseconds = microseconds,
            BytesPerSecond = (long)(State.FileBytes / (microseconds / 1e6)),
        };
    }
}
