namespace MemLoad.Tests.Loading;

/// <summary>The lifetime of a prepared load, and its use by several threads.</summary>
public sealed class PreparedLoadTests
{
    private const int Threads = 3;

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    public void A_load_that_was_disposed_does_not_load(string device)
    {
        PreparedLoad prepared = Prepare(device);
        prepared.Dispose();

        Assert.Throws<ObjectDisposedException>(() => prepared.Load());
        prepared.Dispose();
    }

    [Theory]
    [MemberData(nameof(StrategiesByDevice.All), MemberType = typeof(StrategiesByDevice))]
    public void Threads_that_load_the_same_at_the_same_time_all_get_the_weights(Strategy strategy, string device)
    {
        string digest = WeightsDigest.Of(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth")));
        for (int round = 0; round < 40; round++)
        {
            using PreparedLoad prepared = Prepare(device, strategy);
            using var begin = new Barrier(Threads);
            string?[] found = new string?[Threads];
            Thread[] threads =
            [
                .. Enumerable.Range(0, Threads).Select(i => new Thread(() =>
                {
                    begin.SignalAndWait();
                    found[i] = Load(prepared);
                })),
            ];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            Assert.All(found, text => Assert.Equal(digest, text));
        }

        static string Load(PreparedLoad prepared)
        {
            try
            {
                using LoadedWeights weights = prepared.Load();
                return WeightsDigest.Of(weights);
            }
            catch (Exception e) when (e is ObjectDisposedException or InvalidOperationException or MemLoadException)
            {
                return e.Message;
            }
        }
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    public void A_dispose_on_another_thread_waits_for_the_end_of_a_load(string device)
    {
        PreparedLoad prepared = Prepare(device);
        var dispose = new Thread(prepared.Dispose);

        using LoadedWeights weights = prepared.Load(_ =>
        {
            if (dispose.ThreadState.HasFlag(ThreadState.Unstarted))
            {
                dispose.Start();
                dispose.Join(TimeSpan.FromMilliseconds(50)); // it ends only in a version that does not wait
            }
        });
        dispose.Join();

        Assert.Equal(WeightsDigest.Of(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"))), WeightsDigest.Of(weights));
        Assert.Throws<ObjectDisposedException>(() => prepared.Load());
    }

    private static PreparedLoad Prepare(string device, Strategy strategy = Strategy.Stream) =>
        PreparedLoad.Prepare(new LoadRequest { Path = Fixtures.PathOf("tiny/fp32.pth"), Strategy = strategy, Device = device });
}
