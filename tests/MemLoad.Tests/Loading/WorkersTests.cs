namespace MemLoad.Tests.Loading;

/// <summary>The threads that share the work of a load.</summary>
public sealed class WorkersTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void A_system_that_allows_fewer_threads_gets_the_whole_work_done(int allowed)
    {
        int started = 0;
        using var workers = new Workers(thread =>
        {
            if (started == allowed)
            {
                throw new InsufficientMemoryException();
            }
            started++;
            thread.Start();
        });
        for (int round = 0; round < 3; round++)
        {
            int[] done = new int[1000];

            workers.ShareEach(done.Length, 8, (item, _) => Interlocked.Increment(ref done[item]), CancellationToken.None);

            Assert.All(done, times => Assert.Equal(1, times));
        }
        Assert.Equal(Math.Min(allowed, 7), started);
    }
}
