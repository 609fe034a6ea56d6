namespace MemLoad;

/// <summary>
/// Reports which part of a checkpoint's files is in the page cache, and reads files into it or evicts them. A load from the cache and a
/// load from the disk are two different measurements. This class cannot see or change the caches of a server or of a file system itself
/// (ZFS).
/// </summary>
public static class PageCache
{
    private const int ReadSize = 128 * 1024; // half of a worker's stack
    private const long ChunkSize = 8L << 20;
    private const int MostReaders = 4;
    private const int MostEvictions = 5;
    private static readonly TimeSpan EvictionPause = TimeSpan.FromMilliseconds(10);

    /// <summary>Returns the bytes of the files that are in the page cache now. Each file counts once.</summary>
    /// <returns>The bytes; null if the system does not report them (not Linux, or files that this user neither owns nor may
    /// write).</returns>
    /// <exception cref="MemLoadException">ML1001 or ML1002.</exception>
    public static long? CachedBytes(IEnumerable<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return CachedBytes(Open(files));
    }

    /// <summary>Returns the bytes of open files that are in the page cache now.</summary>
    internal static long? CachedBytes(IEnumerable<CheckpointFileReader> files) =>
        files.Aggregate((long?)0, (sum, file) => sum + CachedBytes(file)); // every file is opened, so a missing file is always an error

    /// <summary>Reads the files once, with several threads, so that a load finds them in the page cache if it is large enough.</summary>
    /// <remarks>No memory of it stays in this process: the buffers are on the stacks of threads that end.</remarks>
    /// <exception cref="MemLoadException">ML1001, ML1002, ML1005 or ML1007.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Warm(IEnumerable<string> files, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        Warm(Open(files), null, cancellationToken);
    }

    /// <summary>Reads the files once, and reports the bytes read, from several threads.</summary>
    internal static void Warm(IEnumerable<string> files, IProgress<long>? bytesRead, CancellationToken cancellationToken) =>
        Warm(Open(files), bytesRead, cancellationToken);

    /// <summary>Brings open files to the state of the cache that a measurement begins with.</summary>
    /// <exception cref="MemLoadException">As for <see cref="Warm(IEnumerable{string}, CancellationToken)"/>, or ML8001.</exception>
    internal static void Prepare(CacheState state, IEnumerable<CheckpointFileReader> files, CancellationToken cancellationToken)
    {
        switch (state)
        {
            case CacheState.Warm:
                Warm(files, null, cancellationToken);
                break;
            case CacheState.Cold:
                Evict(files);
                break;
        }
    }

    private static void Warm(IEnumerable<CheckpointFileReader> files, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        long before = 0;
        foreach (CheckpointFileReader file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadThrough(file, bytesRead, before, cancellationToken);
            before += file.Length;
        }
    }

    /// <summary>
    /// Evicts the files' pages from the page cache, without special rights. Pages that this or another process has mapped stay. File
    /// systems in memory (tmpfs) keep all pages.
    /// </summary>
    /// <returns>The bytes that are still cached after the call; null if the system does not report them.</returns>
    /// <exception cref="MemLoadException">ML1001, ML1002, ML1007, or ML8001: the platform cannot evict files.</exception>
    public static long? Evict(IEnumerable<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return Evict(Open(files));
    }

    /// <summary>Evicts the pages of open files.</summary>
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
        // Pages that were just read may not be in the kernel's lists yet, and eviction then misses them: try again.
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

    private static void ReadThrough(CheckpointFileReader file, IProgress<long>? bytesRead, long before, CancellationToken cancellationToken)
    {
        long done = before;
        Workers.RunEach((file.Length + ChunkSize - 1) / ChunkSize, Math.Min(MostReaders, Environment.ProcessorCount), (chunk, stop) =>
        {
            Span<byte> buffer = stackalloc byte[ReadSize];
            long end = Math.Min(file.Length, (chunk + 1) * ChunkSize);
            for (long offset = chunk * ChunkSize; offset < end; offset += ReadSize)
            {
                stop.ThrowIfCancellationRequested();
                file.ReadExactly(offset, buffer[..(int)Math.Min(ReadSize, end - offset)]);
            }
            bytesRead?.Report(Interlocked.Add(ref done, end - (chunk * ChunkSize)));
        }, cancellationToken);
    }

    // Each file once, one after the other.
    private static IEnumerable<CheckpointFileReader> Open(IEnumerable<string> paths)
    {
        foreach (string path in paths.Select(Path.GetFullPath).Distinct(StringComparer.Ordinal))
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(path);
            yield return file;
        }
    }
}
