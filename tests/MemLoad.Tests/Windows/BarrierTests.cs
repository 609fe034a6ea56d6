namespace MemLoad.Tests.Windows;

/// <summary>
/// The garbage collector of .NET stops threads with a barrier of the whole process (FlushProcessWriteBuffers on Windows). Without it, objects
/// are damaged at random, and no result of the suite counts.
/// </summary>
public sealed class BarrierTests
{
    private const int Rounds = 100_000;

    [SkippableFact]
    public void A_barrier_of_the_whole_process_orders_the_writes_of_its_other_threads()
    {
        int first = 0, second = 0, seenByOther = 0, go = 0, done = 0, stale = 0;
        var other = new Thread(() =>
        {
            for (int round = 1; round <= Rounds; round++)
            {
                WaitFor(ref go, round);
                Vary(round * 7);
                first = 1;
                seenByOther = Volatile.Read(ref second);
                Volatile.Write(ref done, round);
            }
        });
        other.Start();
        for (int round = 1; round <= Rounds; round++)
        {
            Volatile.Write(ref first, 0);
            Volatile.Write(ref second, 0);
            Volatile.Write(ref go, round);
            Vary(round * 13);
            Volatile.Write(ref second, 1);
            Interlocked.MemoryBarrierProcessWide();
            int seen = Volatile.Read(ref first);
            WaitFor(ref done, round);
            // Each wrote, then read. One of them at least must see what the other wrote.
            stale += seen + seenByOther == 0 ? 1 : 0;
        }
        other.Join();

        Skip.If(
            CompatibilityLayer.IsHere && stale > 0,
            "the layer's FlushProcessWriteBuffers does nothing; .NET relies on it as documented, so failures of other tests of this run prove nothing");
        Assert.Equal(0, stale);
    }

    private static void WaitFor(ref int value, int round)
    {
        var wait = new SpinWait();
        while (Volatile.Read(ref value) != round)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    private static void Vary(int seed) => Thread.SpinWait(seed % 30);
}
