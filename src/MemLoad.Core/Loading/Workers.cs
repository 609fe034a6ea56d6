using System.Runtime.ExceptionServices;

namespace MemLoad;

/// <summary>Runs the same work on a few threads of its own: the shared pool starts threads too slowly for a load that lasts milliseconds.</summary>
internal static class Workers
{
    private const int StackBytes = 256 << 10;

    /// <summary>Calls the body once a thread with the thread's number, waits for all, and rethrows the first failure.</summary>
    /// <param name="count">Number of threads; the caller's is one of them.</param>
    /// <param name="body">The work. The token is cancelled when another thread failed.</param>
    /// <param name="cancellationToken">Stops all.</param>
    public static void Run(int count, Action<int, CancellationToken> body, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? failure = null;
        var threads = new Thread[count - 1];
        for (int i = 0; i < threads.Length; i++)
        {
            int number = i + 1;
            threads[i] = new Thread(() => Guarded(number), StackBytes) { IsBackground = true, Name = "MemLoad worker" };
            threads[i].Start();
        }
        Guarded(0);
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        cancellationToken.ThrowIfCancellationRequested();
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        void Guarded(int number)
        {
            try
            {
                body(number, stop.Token);
            }
#pragma warning disable CA1031 // Whatever ends a worker must reach the caller, and must not end the process.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref failure, e, null);
                stop.Cancel();
            }
        }
    }
}
