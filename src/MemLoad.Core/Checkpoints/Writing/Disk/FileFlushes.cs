using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace MemLoad;

/// <summary>
/// Writes the files of a folder, and flushes them to the disk while others are written. The file system commits concurrent flushes
/// together. A folder of many files therefore does not wait for one commit per file.
/// </summary>
internal sealed class FileFlushes(WriteSession session) : IDisposable
{
    private const int Most = 16;

    // Each flush keeps a file open. A process that may open few files runs few flushes, because the source needs files, too.
    private readonly int _most = Math.Clamp((OpenFiles.Available ?? int.MaxValue) / 4, 1, Most);
    private readonly BlockingCollection<(FileStream File, string Target, long Length)> _written = new(boundedCapacity: 1);
    private readonly List<Task> _flushing = [];
    private Exception? _failure;

    /// <summary>Writes a file and begins to flush it. Waits if many flushes run.</summary>
    /// <param name="path">The file in the unfinished folder.</param>
    /// <param name="target">The final name of the file, for errors.</param>
    /// <param name="length">The bytes of the file.</param>
    /// <param name="write">Writes all of them.</param>
    /// <exception cref="MemLoadException">ML9103, ML9104 or ML9105, also of an earlier file.</exception>
    public void Write(string path, string target, long length, Action<FileAppender> write)
    {
        RequireFlushed();
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
        if (_flushing.Count < _most)
        {
            // Flushes have separate threads, because a flush waits for the disk and the pool has few threads at first.
            _flushing.Add(Task.Factory.StartNew(Flush, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        }
        _written.Add((file, target, length));
    }

    /// <summary>Waits until all files are on the disk.</summary>
    /// <exception cref="MemLoadException">ML9104 or ML9105.</exception>
    public void Complete()
    {
        Dispose();
        RequireFlushed();
    }

    /// <summary>Waits until no file is open. Errors are not needed any more.</summary>
    public void Dispose()
    {
        _written.CompleteAdding();
        Task.WaitAll([.. _flushing]);
    }

    private void RequireFlushed()
    {
        if (Volatile.Read(ref _failure) is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private void Flush()
    {
        foreach ((FileStream file, string target, long length) in _written.GetConsumingEnumerable())
        {
            using (file)
            {
                try
                {
                    FileAppender.Flush(file.SafeFileHandle, target, length);
                }
                catch (Exception e)
                {
                    Interlocked.CompareExchange(ref _failure, e, null);
                }
            }
        }
    }
}
