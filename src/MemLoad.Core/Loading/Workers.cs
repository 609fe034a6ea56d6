using System.Runtime.ExceptionServices;

namespace MemLoad;

/// <summary>
/// A few threads that repeat shared work until they are disposed. The thread pool starts threads too slowly for a load of a few
/// milliseconds. The threads start when they are first needed, and do one piece of work at a time.
/// </summary>
/// <param name="start">Starts a thread; null for the usual way. An <see cref="OutOfMemoryException"/> says that the system allows no more
/// threads.</param>
internal sealed class Workers(Action<Thread>? start = null) : IDisposable
{
    private const int StackBytes = 256 << 10;

    private readonly List<Helper> _helpers = [];

    /// <summary>Processes numbered items with threads that end with the work.</summary>
    /// <inheritdoc cref="ShareEach"/>
    public static void RunEach(long items, int threads, Action<long, CancellationToken> body, CancellationToken cancellationToken)
    {
        using var workers = new Workers();
        workers.ShareEach(items, threads, body, cancellationToken);
    }

    /// <summary>Processes numbered items. Each thread takes the next item that no other thread has taken.</summary>
    /// <param name="items">The number of items.</param>
    /// <param name="threads">The maximum number of threads.</param>
    /// <param name="body">Processes one item. Its token is cancelled when another thread fails.</param>
    /// <param name="cancellationToken">Cancels all threads.</param>
    public void ShareEach(long items, int threads, Action<long, CancellationToken> body, CancellationToken cancellationToken)
    {
        long next = -1;
        Share((int)Math.Clamp(items, 1, threads), (_, stop) =>
        {
            for (long item = Interlocked.Increment(ref next); item < items; item = Interlocked.Increment(ref next))
            {
                stop.ThrowIfCancellationRequested();
                body(item, stop);
            }
        }, cancellationToken);
    }

    /// <summary>
    /// Calls the body once per thread with the number of the thread, waits for all threads, and rethrows the first failure. The threads
    /// that are called do the whole work, because a container or a user can be limited to fewer threads.
    /// </summary>
    /// <param name="count">The most threads. The calling thread is number 0, and the others follow.</param>
    /// <param name="body">The work. Its token is cancelled when another thread fails.</param>
    /// <param name="cancellationToken">Cancels all threads.</param>
    public void Share(int count, Action<int, CancellationToken> body, CancellationToken cancellationToken)
    {
        using var work = new Work(body, cancellationToken);
        while (_helpers.Count < count - 1 && TryStart(_helpers.Count + 1) is Helper helper)
        {
            _helpers.Add(helper);
        }
        int helping = Math.Min(count - 1, _helpers.Count);
        for (int i = 0; i < helping; i++)
        {
            _helpers[i].Start(work);
        }
        work.Do(0);
        for (int i = 0; i < helping; i++)
        {
            _helpers[i].Wait();
        }
        work.End(cancellationToken);
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        foreach (Helper helper in _helpers)
        {
            helper.Dispose();
        }
        _helpers.Clear();
    }

    private Helper? TryStart(int number)
    {
        var helper = new Helper(number);
        try
        {
            (start ?? (thread => thread.Start()))(helper.Thread);
            return helper;
        }
        catch (OutOfMemoryException)
        {
            helper.Discard();
            return null;
        }
    }

    private sealed class Work(Action<int, CancellationToken> body, CancellationToken cancellationToken) : IDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        private Exception? _failure;

        public void Do(int number)
        {
            try
            {
                body(number, _stop.Token);
            }
#pragma warning disable CA1031 // Every failure of a worker must reach the caller, and must not end the process.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref _failure, e, null);
                _stop.Cancel();
            }
        }

        public void End(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_failure is not null)
            {
                ExceptionDispatchInfo.Throw(_failure);
            }
        }

        public void Dispose() => _stop.Dispose();
    }

    private sealed class Helper : IDisposable
    {
        private readonly SemaphoreSlim _start = new(0);
        private readonly SemaphoreSlim _done = new(0);
        private Work? _work;

        public Helper(int number) =>
            Thread = new Thread(() => Serve(number), StackBytes) { IsBackground = true, Name = "MemLoad worker" };

        public Thread Thread { get; }

        public void Start(Work work)
        {
            _work = work;
            _start.Release();
        }

        public void Wait() => _done.Wait();

        public void Dispose()
        {
            _work = null;
            _start.Release();
            Thread.Join();
            Discard();
        }

        // The thread has ended, or did not start.
        public void Discard()
        {
            _start.Dispose();
            _done.Dispose();
        }

        private void Serve(int number)
        {
            _start.Wait();
            for (; _work is Work work; _start.Wait())
            {
                work.Do(number);
                _done.Release();
            }
        }
    }
}
