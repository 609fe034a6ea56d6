namespace MemLoad;

/// <summary>
/// Hands out the blocks of a batch of reads. Each block is taken by one thread, in order. If two blocks pass through the same place of one
/// buffer, the later block waits for the earlier one. No other block waits, so threads do not meet between storages.
/// </summary>
/// <param name="blocks">The number of blocks.</param>
/// <param name="threads">The number of threads that may take blocks.</param>
/// <param name="places">For each block the ranges of the buffer that it passes through; null if the blocks pass through no buffer.</param>
internal sealed class BlockQueue(int blocks, int threads, (long From, long To)[][]? places = null)
{
    private const int None = int.MaxValue;

    private readonly object _lock = new();
    private readonly int[] _taken = [.. Enumerable.Repeat(None, threads)];
    private int _next;

    /// <summary>Returns the next block for a thread that has finished its last block; a negative number if there is none.</summary>
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

    /// <summary>
    /// Returns the first block from the given one on that no thread has taken or is about to take; a negative number if there is none.
    /// </summary>
    public int Ahead(int first)
    {
        lock (_lock)
        {
            int block = Math.Max(first, _next + _taken.Length);
            return block < blocks ? block : -1;
        }
    }

    /// <summary>Ends a thread's part. Each thread calls it when it ends, so that no other thread waits for it.</summary>
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
