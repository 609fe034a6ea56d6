namespace MemLoad;

/// <summary>
/// The blocks of a batch of reads: each taken by one thread, in order. Of two blocks that pass through the same place of one buffer the later waits for the
/// earlier, and nobody else does: threads need not meet between one storage and the next.
/// </summary>
/// <param name="blocks">How many there are.</param>
/// <param name="threads">How many may take them.</param>
/// <param name="places">For each block the ranges of the buffer that it passes through, if it passes through one.</param>
internal sealed class BlockQueue(int blocks, int threads, (long From, long To)[][]? places = null)
{
    private const int None = int.MaxValue;

    private readonly object _lock = new();
    private readonly int[] _taken = [.. Enumerable.Repeat(None, threads)];
    private int _next;

    /// <summary>The next block for a thread, which is done with its last one; below 0 if there is none.</summary>
    public int Take(int thread)
    {
        lock (_lock)
        {
            Leave(thread);
            if (_next == blocks)
            {
                return -1;
            }
            int block = _taken[thread] = _next++;
            while (places is not null && IsInUse(places, block))
            {
                Monitor.Wait(_lock);
            }
            return block;
        }
    }

    /// <summary>The first block from one on that nobody has taken, nor will take at once; below 0 if there is none.</summary>
    public int Ahead(int first)
    {
        lock (_lock)
        {
            int block = Math.Max(first, _next + _taken.Length);
            return block < blocks ? block : -1;
        }
    }

    /// <summary>To be called when a thread ends, however it does: nobody needs to wait for it any more.</summary>
    public void Leave(int thread)
    {
        lock (_lock)
        {
            _taken[thread] = None;
            Monitor.PulseAll(_lock);
        }
    }

    private bool IsInUse((long From, long To)[][] places, int block)
    {
        foreach (int other in _taken)
        {
            if (other < block && Overlap(places[other], places[block]))
            {
                return true;
            }
        }
        return false;
    }

    private static bool Overlap((long From, long To)[] some, (long From, long To)[] others)
    {
        foreach ((long from, long to) in some)
        {
            foreach ((long From, long To) other in others)
            {
                if (from < other.To && other.From < to)
                {
                    return true;
                }
            }
        }
        return false;
    }
}
