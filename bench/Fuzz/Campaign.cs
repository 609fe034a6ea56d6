using System.Collections.Concurrent;

namespace MemLoad.Fuzz;

/// <summary>Examines a range of indices over all formats, on several threads, and counts.</summary>
internal sealed class Campaign(ulong seed, IReadOnlyList<FuzzFormat> formats, string scratch, int deepEvery)
{
    private readonly ConcurrentDictionary<(FuzzFormat, string), long> _counts = new();
    private long _done;

    /// <summary>Whether opening that takes over a second is a finding.</summary>
    public bool WatchesTime { get; init; } = true;

    /// <summary>Inputs examined so far.</summary>
    public long Done => Interlocked.Read(ref _done);

    /// <summary>How many inputs of a format were opened ("opened") or refused by a rule.</summary>
    public IReadOnlyDictionary<(FuzzFormat Format, string Outcome), long> Counts => _counts;

    /// <summary>The findings, with the information to reproduce them.</summary>
    public ConcurrentQueue<(FuzzFormat Format, ulong Index, string Finding)> Findings { get; } = new();

    /// <summary>The current work of each thread, for display: the format, the index, and the start time.</summary>
    public (FuzzFormat Format, ulong Index, long Since)[] Current { get; private set; } = [];

    /// <summary>Returns the format of an index. The formats alternate.</summary>
    public FuzzFormat FormatOf(ulong index) => formats[(int)(index % (ulong)formats.Count)];

    /// <summary>Examines a range of indices. The end is not included.</summary>
    public void Run(ulong from, ulong to, int threads, CancellationToken ct = default)
    {
        Current = new (FuzzFormat, ulong, long)[threads];
        long next = (long)from;
        Task[] workers =
        [
            .. Enumerable
                .Range(0, threads)
                .Select(worker => Task.Factory.StartNew(() => Work(worker), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default)),
        ];
        Task.WaitAll(workers, ct);

        void Work(int worker)
        {
            using var examiner = new Examiner(scratch, WatchesTime);
            const int batch = 64;
            for (long start; (start = Interlocked.Add(ref next, batch) - batch) < (long)to;)
            {
                for (ulong index = (ulong)start; index < Math.Min((ulong)start + batch, to); index++)
                {
                    ct.ThrowIfCancellationRequested();
                    FuzzFormat format = FormatOf(index);
                    Current[worker] = (format, index, Environment.TickCount64);
                    Outcome outcome = examiner.Examine(
                        Mutator.Make(format, seed, index), deepEvery > 0 && index / (ulong)formats.Count % (ulong)deepEvery == 0);
                    _counts.AddOrUpdate((format, outcome.Rule ?? "opened"), 1, (_, count) => count + 1);
                    if (outcome.Finding is not null)
                    {
                        Findings.Enqueue((format, index, outcome.Finding));
                    }
                    Interlocked.Increment(ref _done);
                }
            }
        }
    }
}
