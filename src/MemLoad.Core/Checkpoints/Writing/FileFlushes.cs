namespace MemLoad;

/// <summary>
/// Writes the files of a folder, and flushes them to the disk while others are written. The file system commits flushes that run at the
/// same time together, so that a folder of many files does not wait for one commit per file.
/// </summary>
internal sealed class FileFlushes(WriteSession session) : IDisposable
{
    // Each holds a file open.
    private const int Most = 16;

    private readonly Queue<Task> _running = new();

    /// <summary>Writes a file and begins to flush it. Waits if many flushes run.</summary>
    /// <param name="path">The file in the unfinished folder.</param>
    /// <param name="target">The final name of the file, for errors.</param>
    /// <param name="length">The bytes of the file.</param>
    /// <param name="write">Writes all of them.</param>
    /// <exception cref="MemLoadException">ML9103, ML9104 or ML9105, also of an earlier file.</exception>
    public void Write(string path, string target, long length, Action<FileAppender> write)
    {
        FileStream file = AtomicFile.Open(path, target, length);
        try
        {
            using var output = new FileAppender(file.SafeFileHandle, target, length, session);
            write(output);
            output.CompleteWriting();
        }
        catch
        {
            file.Dispose();
            throw;
        }
        // A thread of its own, because the flush waits for the disk and the pool has few threads at first.
        _running.Enqueue(Task.Factory.StartNew(
            () => Flush(file, target, length), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        if (_running.Count > Most)
        {
            _running.Dequeue().GetAwaiter().GetResult();
        }
    }

    /// <summary>Waits until all files are on the disk.</summary>
    /// <exception cref="MemLoadException">ML9104 or ML9105.</exception>
    public void Complete()
    {
        while (_running.TryDequeue(out Task? flush))
        {
            flush.GetAwaiter().GetResult();
        }
    }

    /// <summary>Waits until no file is open. Errors are not needed any more.</summary>
    public void Dispose()
    {
        while (_running.TryDequeue(out Task? flush))
        {
            flush.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        }
    }

    private static void Flush(FileStream file, string target, long length)
    {
        using (file)
        {
            FileAppender.Flush(file.SafeFileHandle, target, length);
        }
    }
}
