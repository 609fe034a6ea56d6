using System.Diagnostics;

namespace MemLoad.PlayedCuda;

/// <summary>A stream of a played card: a thread that executes copies one after the other, each with the delay of the options.</summary>
internal sealed class PlayedStream : IDisposable
{
    private readonly Queue<Action> _work = new();
    private readonly int _delayMicroseconds;
    private readonly Thread _thread;
    private bool _ends;
    private bool _busy;

    public PlayedStream(nint context, int delayMicroseconds)
    {
        Context = context;
        _delayMicroseconds = delayMicroseconds;
        _thread = new Thread(Run, 256 << 10) { IsBackground = true, Name = "played stream" };
        _thread.Start();
    }

    /// <summary>The context that the stream belongs to.</summary>
    public nint Context { get; }

    public void Add(Action copy)
    {
        lock (_work)
        {
            _work.Enqueue(copy);
            Monitor.PulseAll(_work);
        }
    }

    public void Wait()
    {
        lock (_work)
        {
            if (_work.Count == 0 && !_busy)
            {
                return;
            }
        }
        using var done = new ManualResetEventSlim();
        Add(done.Set);
        done.Wait();
    }

    public void Dispose()
    {
        lock (_work)
        {
            _ends = true;
            Monitor.PulseAll(_work);
        }
        _thread.Join();
    }

    private void Run()
    {
        while (true)
        {
            Action next;
            lock (_work)
            {
                _busy = false;
                while (_work.Count == 0 && !_ends)
                {
                    Monitor.Wait(_work);
                }
                if (!_work.TryDequeue(out next!))
                {
                    return;
                }
                _busy = true;
            }
            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start).TotalMicroseconds < _delayMicroseconds)
            {
                Thread.Sleep(_delayMicroseconds >= 1000 ? 1 : 0);
            }
            next();
        }
    }
}
