namespace MemLoad;

/// <summary>
/// What of a checkpoint's files lies in the page cache, and how to put it there or away: a load from cache and a load from disk are
/// two different measurements. Caches of a file system's own (ZFS) or of a server are out of sight and out of reach.
/// </summary>
public static class PageCache
{
    private const int ReadSize = 256 * 1024;
    private const long ChunkSize = 8L << 20;
    private const int MostReaders = 4;
    private const int MostEvictions = 5;
    private static readonly TimeSpan EvictionPause = TimeSpan.FromMilliseconds(10);

    /// <summary>Bytes of the files that are in the page cache now, each file counted once.</summary>
    /// <returns>The bytes; null where the system cannot say (not Linux, or files that this user neither owns nor may write).</returns>
    /// <exception cref="MemLoadException">ML1001 or ML1002.</exception>
    public static long? CachedBytes(IEnumerable<string> files)
    {
        long? total = 0;
        foreach (string path in Distinct(files))
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(path);
            // Every file is opened, so that a missing one is an error whatever the system can tell.
            total += CachedBytes(file);
        }
        return total;
    }

    /// <summary>Reads the files through once, from several threads, so that a load finds them in the page cache if it is large enough.</summary>
    /// <remarks>Nothing of it stays in this process: the buffers lie on the stacks of threads that end.</remarks>
    /// <exception cref="MemLoadException">ML1001, ML1002, ML1005 or ML1007.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public static void Warm(IEnumerable<string> files, CancellationToken cancellationToken = default)
    {
        foreach (string path in Distinct(files))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using CheckpointFileReader file = CheckpointFileReader.Open(path);
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
        long? total = 0;
        foreach (string path in Distinct(files))
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(path);
            if (!LinuxPageCache.IsSupported)
            {
                throw Rules.PageCacheFixed.Broken("this platform cannot drop one file from its page cache", path);
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

    private static void ReadThrough(CheckpointFileReader file, CancellationToken cancellationToken)
    {
        long next = 0;
        Exception? failure = null;
        int readers = (int)Math.Clamp(file.Length / ChunkSize, 1, Math.Min(MostReaders, Environment.ProcessorCount));
        var threads = new Thread[readers];
        for (int i = 0; i < readers; i++)
        {
            threads[i] = new Thread(Read, ReadSize + (256 * 1024)) { IsBackground = true, Name = "MemLoad cache warmer" };
            threads[i].Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        cancellationToken.ThrowIfCancellationRequested();
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }

        void Read()
        {
            Span<byte> buffer = stackalloc byte[ReadSize];
            try
            {
                while (Volatile.Read(ref failure) is null && Interlocked.Add(ref next, ChunkSize) - ChunkSize is long offset && offset < file.Length)
                {
                    long end = Math.Min(file.Length, offset + ChunkSize);
                    while (offset < end && !cancellationToken.IsCancellationRequested)
                    {
                        int count = (int)Math.Min(ReadSize, end - offset);
                        file.ReadExactly(offset, buffer[..count]);
                        offset += count;
                    }
                }
            }
            catch (MemLoadException e)
            {
                Volatile.Write(ref failure, e);
            }
        }
    }

    private static IEnumerable<string> Distinct(IEnumerable<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return files.Select(Path.GetFullPath).Distinct(StringComparer.Ordinal);
    }
}
