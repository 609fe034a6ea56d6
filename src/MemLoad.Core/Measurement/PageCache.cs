namespace MemLoad;

/// <summary>
/// What of a checkpoint's files lies in the page cache, and how to put it there or away: a load from cache and a load from disk are
/// two different measurements. Caches of a file system's own (ZFS) or of a server are out of sight and out of reach.
/// </summary>
public static class PageCache
{
    private const int ReadSize = 128 * 1024; // half of a worker's stack
    private const long ChunkSize = 8L << 20;
    private const int MostReaders = 4;
    private const int MostEvictions = 5;
    private static readonly TimeSpan EvictionPause = TimeSpan.FromMilliseconds(10);

    /// <summary>Bytes of the files that are in the page cache now, each file counted once.</summary>
    /// <returns>The bytes; null where the system cannot say (not Linux, or files that this user neither owns nor may write).</returns>
    /// <exception cref="MemLoadException">ML1001 or ML1002.</exception>
    public static long? CachedBytes(IEnumerable<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return CachedBytes(Open(files));
    }

    /// <summary>Bytes of open files that are in the page cache now.</summary>
    internal static long? CachedBytes(IEnumerable<CheckpointFileReader> files)
    {
        long? total = 0;
        // Every file is looked at, so that a missing one is an error whatever the system can tell.
        foreach (CheckpointFileReader file in files)
        {
            total += CachedBytes(file);
        }
        return total;
    }

    /// <summary>Reads the files through once, with several threads, so that a load finds them in the page cache if it is large enough.</summary>
    /// <remarks>Nothing of it stays in this process: the buffers lie on the stacks of threads that end.</remarks>
    /// <exception cref="MemLoadException">ML1001, ML1002, ML1005 or ML1007.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public static void Warm(IEnumerable<string> files, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        Warm(Open(files), cancellationToken);
    }

    /// <summary>Reads open files through once.</summary>
    internal static void Warm(IEnumerable<CheckpointFileReader> files, CancellationToken cancellationToken)
    {
        foreach (CheckpointFileReader file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadThrough(file, cancellationToken);
        }
    }

    /// <summary>
    /// Drops the files' pages from the page cache, without special rights. Pages that another process or this one has mapped stay, and
    /// file systems in memory (tmpfs) keep everything.
    /// </summary>
    /// <returns>The bytes still cached afterwards, or null where the system cannot say.</returns>
    /// <exception cref="MemLoadException">ML1001, ML1002, ML1007, or ML8001 where the platform has no way.</exception>
    public static long? Evict(IEnumerable<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return Evict(Open(files));
    }

    /// <summary>Drops the pages of open files.</summary>
    internal static long? Evict(IEnumerable<CheckpointFileReader> files)
    {
        long? total = 0;
        foreach (CheckpointFileReader file in files)
        {
            if (!LinuxPageCache.IsSupported)
            {
                throw Rules.PageCacheFixed.Broken("this platform cannot drop one file from its page cache", file.Path);
            }
            total += Evict(file);
        }
        return total;
    }

    private static long? Evict(CheckpointFileReader file)
    {
        long? left = null;
        // Pages that were read a moment ago may still be on their way to the kernel's lists, where eviction cannot see them: try again.
        for (int i = 0; i < MostEvictions; i++)
        {
            if (i > 0)
            {
                Thread.Sleep(EvictionPause);
            }
            LinuxPageCache.Evict(file);
            left = CachedBytes(file);
            if (left is 0)
            {
                break;
            }
        }
        return left;
    }

    private static long? CachedBytes(CheckpointFileReader file) =>
        file.Length == 0 ? 0 : LinuxPageCache.IsSupported ? LinuxPageCache.CachedBytes(file) : null;

    private static void ReadThrough(CheckpointFileReader file, CancellationToken cancellationToken) =>
        Workers.RunEach((file.Length + ChunkSize - 1) / ChunkSize, Math.Min(MostReaders, Environment.ProcessorCount), (chunk, stop) =>
        {
            Span<byte> buffer = stackalloc byte[ReadSize];
            long end = Math.Min(file.Length, (chunk + 1) * ChunkSize);
            for (long offset = chunk * ChunkSize; offset < end; offset += ReadSize)
            {
                stop.ThrowIfCancellationRequested();
                file.ReadExactly(offset, buffer[..(int)Math.Min(ReadSize, end - offset)]);
            }
        }, cancellationToken);

    // Each file once, one at a time.
    private static IEnumerable<CheckpointFileReader> Open(IEnumerable<string> paths)
    {
        foreach (string path in paths.Select(Path.GetFullPath).Distinct(StringComparer.Ordinal))
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(path);
            yield return file;
        }
    }
}
