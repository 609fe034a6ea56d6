using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Loading;

public sealed class BlockQueueTests
{
    private const int Threads = 4;

    [Fact]
    public void Every_block_is_taken_once_and_none_before_those_whose_places_it_overwrites_are_done() =>
        Prop.ForAll(
                Gen.Choose(0, 6).Two().Select(pair => ((long)pair.Item1, pair.Item1 + (long)pair.Item2)).ArrayOf().ArrayOf().ToArbitrary(),
                places =>
                {
                    bool[] done = new bool[places.Length];
                    int[] taken = new int[places.Length];
                    int tooEarly = 0;
                    var queue = new BlockQueue(places.Length, Threads, places);
                    Together(
                        Threads,
                        (thread, _) =>
                        {
                            for (int block = queue.Take(thread); block >= 0; block = queue.Take(thread))
                            {
                                Interlocked.Increment(ref taken[block]);
                                for (int earlier = 0; earlier < block; earlier++)
                                {
                                    if (!Volatile.Read(ref done[earlier])
                                        && places[earlier]
                                            .Any(one => places[block].Any(other => one.Item1 < other.Item2 && other.Item1 < one.Item2)))
                                    {
                                        Interlocked.Increment(ref tooEarly);
                                    }
                                }
                                Thread.Yield();
                                Volatile.Write(ref done[block], true);
                            }
                        },
                        CancellationToken.None);
                    return tooEarly == 0 && taken.All(times => times == 1);
                })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void What_lies_ahead_is_beyond_what_threads_take_next()
    {
        var queue = new BlockQueue(10, Threads);
        Assert.Equal(4, queue.Ahead(0));
        Assert.Equal(7, queue.Ahead(7));
        Assert.Equal(-1, queue.Ahead(10));
        queue.Take(0);
        queue.Take(1);
        Assert.Equal(6, queue.Ahead(5));
        for (int i = 2; i < 6; i++)
        {
            Assert.Equal(i, queue.Take(i % Threads));
        }
        Assert.Equal(-1, queue.Ahead(7));
    }

    [Fact]
    public void Nobody_waits_for_a_thread_that_failed()
    {
        var queue = new BlockQueue(8, Threads, [.. Enumerable.Repeat(new[] { (0L, 1L) }, 8)]);

        Assert.Throws<TimeZoneNotFoundException>(() => Together(Threads, (thread, _) =>
        {
            try
            {
                for (int block = queue.Take(thread); block >= 0; block = queue.Take(thread))
                {
                    if (block == 2)
                    {
                        throw new TimeZoneNotFoundException();
                    }
                }
            }
            finally
            {
                queue.Leave(thread);
            }
        }, CancellationToken.None));
        Assert.Equal(-1, queue.Take(0));
    }

    private static void Together(int count, Action<int, CancellationToken> body, CancellationToken cancellationToken)
    {
        using var workers = new Workers();
        workers.Share(count, body, cancellationToken);
    }
}
