using System.Diagnostics;

namespace MemLoad.Tests.Corpus;

/// <summary>
/// The memory that opening allocates is proportional to the headers, for any headers. All allocations are counted, so the peak is below the
/// sum. The time is proportional to the allocations. Work on existing data is charged like memory. A generous limit of time is checked,
/// too, because without these charges the same files take minutes and more.
/// </summary>
public sealed class BoundTests : IDisposable
{
    private const long FreeBytes = 16 << 20;
    private const int BytesPerByte = 8;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Each prime is a size of a growing table of .NET. The keys of a step share one bucket of such a table if their hash is their value.
    [Theory]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(1931)]
    [InlineData(17519)]
    [InlineData(36353)]
    [InlineData(75431)]
    [InlineData(1)]
    [InlineData(65536)]
    public void Any_numbers_from_files_spread_over_the_buckets_of_a_table(int step)
    {
        const int keys = 50_000;
        foreach (int size in new[] { 75431, 156437, 65536 })
        {
            int[] chains = new int[size];
            for (int i = 0; i < keys; i++)
            {
                chains[(uint)SeededNumbers.Comparer.GetHashCode((uint)(i * (long)step)) % size]++;
            }
            // Random keys give chains of 7 or 8, and never of 30.
            Assert.InRange(chains.Max(), 1, 30);
        }
    }

    [Fact]
    public void A_memo_keeps_values_under_any_numbers()
    {
        var memo = new PickleMemo(FileBudget.Unlimited());
        for (uint i = 0; i < 50_000; i++)
        {
            memo.Put(i * 75_431, i);
        }
        for (uint i = 0; i < 50_000; i++)
        {
            Assert.True(memo.TryGet(i * 75_431, out object? value));
            Assert.Equal(i, value);
        }
        Assert.Equal(50_000, memo.Count);
        Assert.False(memo.TryGet(1, out _));
    }

    [Fact]
    public void Repeated_work_on_existing_values_is_charged_so_that_time_stays_proportional()
    {
        foreach (string name in new[]
            {
                "pickle: entries of a dict by one long name",
                "pickle: storages by one long key thrown away",
                "pickle: OrderedDicts of a hundred thousand pairs that are one thrown away",
                "pickle: the same list of a hundred thousand in a list",
            })
        {
            string path = DenseFiles.All[name](_folder.Path, 8 << 20);
            Assert.Equal("ML1013", Assert.Throws<MemLoadException>(() => Checkpoint.Open(path)).Rule.Id);
        }
    }

    public static TheoryData<string> Names => [.. DenseFiles.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_dense_file_takes_at_most_eight_times_its_length_and_16_MiB(string name)
    {
        foreach ((int mebibytes, bool allowOpaque) in new[] { (1, false), (8, false), (1, true), (8, true) })
        {
            string path = DenseFiles.All[name](_folder.Path, mebibytes << 20);
            long length = new FileInfo(path).Length;
            string outcome = "opened";
            var clock = Stopwatch.StartNew();
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Checkpoint.Open(path, new OpenLimits { AllowOpaque = allowOpaque });
            }
            catch (MemLoadException e)
            {
                outcome = e.Message;
            }
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(clock.Elapsed < MostTime, $"{clock.Elapsed} for a file of {length}: {outcome}");
            Assert.True(allocated <= FreeBytes + (BytesPerByte * length), $"{allocated} bytes for a file of {length}: {outcome}");
        }
    }
}
