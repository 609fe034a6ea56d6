namespace MemLoad;

/// <summary>
/// The possible plans for one checkpoint, device and budget. Each is compared with the budget when it is requested. <see
/// cref="Strategy.Auto"/> chooses the strategy and ring size that are forecast to be fastest among those that fit. Only the kind of the
/// device and the arithmetic of its allocator are used; nothing is allocated. Without a speed no plan can be chosen. The cached share is
/// from 0 to 1. The map obstacle says why the files must not be mapped.
/// </summary>
internal sealed class PlanChooser(
    LoadView view, IDevice device, MemoryBudget budget, MachineSpeed? speed, Lazy<double> cachedShare, string? mapObstacle = null)
{
    // The tolerance of time forecasts. Within it, the plan that depends least on the page cache and on the file is chosen.
    private const double TieFraction = 0.1;

    // The order of suggestions for a plan that does not fit: first the least host memory without a mapping of the file.
    private static readonly Strategy[] Suggestions =
        [Strategy.Stream, Strategy.Mmap, Strategy.PerTensor, Strategy.Meta, Strategy.Sequential, Strategy.Baseline];

    private readonly List<PlanCandidate> _candidates = [];

    public bool CanChoose => speed is not null;

    /// <summary>Returns the plan of one strategy, compared with the budget.</summary>
    public PlanCandidate Candidate(Strategy strategy, long ringLimit = StagingRing.DefaultBytes)
    {
        PlanCandidate? candidate = _candidates.Find(known => known.Strategy == strategy && known.RingLimit == ringLimit);
        if (candidate is null)
        {
            candidate = Write(strategy, ringLimit, null);
            _candidates.Add(candidate);
        }
        return candidate;
    }

    /// <summary>
    /// Returns the plan of one strategy, compared with the budget and kept for its execution. The plan is written once for both.
    /// </summary>
    public PlanCandidate ToExecute(Strategy strategy)
    {
        using var record = new PlanRecord(view.Checkpoint.Storages.Length);
        PlanCandidate candidate = Write(strategy, StagingRing.DefaultBytes, record);
        _candidates.Insert(0, candidate); // in place of one without steps
        return candidate;
    }

    private PlanCandidate Write(Strategy strategy, long ringLimit, PlanRecord? record)
    {
        using var tally = new PlanTally(view.Checkpoint, device.NewForecastAllocator());
        using PlanCost? cost = speed is null ? null : new PlanCost(view, speed);
        using PlanWriter writer = WriteFor([.. new IPlanReader?[] { tally, cost, record }.OfType<IPlanReader>()]);
        PlanForecast forecast = tally.Forecast;
        return new PlanCandidate(strategy, ringLimit, writer.RingBytes, forecast, cost?.Time, cachedShare, budget.Check(forecast, Rehearse))
        {
            Plan = record is null ? null : writer.Finish(strategy, record),
        };

        PlanWriter WriteFor(IPlanReader[] readers) => LoadPlan.Write(strategy, view, device, ringLimit, readers);

        void Rehearse(CachingAllocator allocator)
        {
            using var largest = new PlanTally(view.Checkpoint, allocator);
            WriteFor([largest]).Dispose();
        }
    }

    /// <summary>Chooses a plan.</summary>
    /// <param name="why">Why this plan was chosen, for messages.</param>
    /// <returns>The fastest plan that fits. If none fits, the plan that lacks least.</returns>
    public PlanCandidate Choose(out string why)
    {
        string unmapped = (mapObstacle is null ? "" : $"; the file is not mapped: {mapObstacle}")
            + (speed?.Obstacle is null ? ""
                : $"; the speed of another machine is used, because this one cannot be measured: {speed.Obstacle}");
        PlanCandidate[] all =
        [
            .. Strategies.All.Where(May).SelectMany(Variants)
                .Select(variant => Candidate(variant.Strategy, variant.Ring))
                .OrderBy(candidate => candidate.Microseconds),
        ];
        if (Array.Find(all, candidate => candidate.Shortfall is null) is not PlanCandidate fastest)
        {
            PlanCandidate nearest = all.Aggregate(Nearer);
            why = $"no plan fits; {nearest.Name} lacks the least memory{unmapped}";
            return nearest;
        }
        PlanCandidate chosen = all.Where(candidate =>
                candidate.Shortfall is null && candidate.Microseconds <= fastest.Microseconds * (1 + TieFraction))
            .MinBy(candidate => (Array.IndexOf(Suggestions, candidate.Strategy), candidate.Microseconds))!;
        string[] rejected =
        [
            .. all.TakeWhile(candidate => candidate != fastest)
                .Select(candidate =>
                    $"{candidate.Name} ({Time(candidate)}, {Printable.Bytes(candidate.Shortfall!.Value.MissingBytes)} short)"),
        ];
        why = $"{chosen.Name}: forecast to take {Time(chosen)}, the fastest plan that fits"
            + (chosen.Strategy == fastest.Strategy ? "" : $" (about as fast as {fastest.Name}, {Time(fastest)})")
            + (rejected.Length == 0 ? "" : $"; faster but too large: {string.Join(", ", rejected)}") + unmapped;
        return chosen;
    }

    /// <summary>Returns a suggestion in place of a plan that does not fit: the first that fits, or the one that lacks least.</summary>
    public PlanCandidate Nearest(Strategy instead)
    {
        PlanCandidate? nearest = null;
        IEnumerable<(Strategy Strategy, long Ring)> others = Suggestions.Where(May).SelectMany(Variants)
            .OrderBy(variant => variant.Ring != StagingRing.DefaultBytes);
        foreach ((Strategy strategy, long ring) in others.Where(variant => variant != (instead, StagingRing.DefaultBytes)))
        {
            PlanCandidate candidate = Candidate(strategy, ring);
            if (candidate.Shortfall is null)
            {
                return candidate;
            }
            nearest = Nearer(nearest, candidate);
        }
        return nearest!;
    }

    private bool May(Strategy strategy) => strategy != Strategy.Mmap || mapObstacle is null;

    // On the host, only storages with a cast pass through a ring. Without a cast all sizes are equally good.
    private IEnumerable<(Strategy Strategy, long Ring)> Variants(Strategy strategy) =>
        strategy == Strategy.Stream && (!device.IsHost || view.HasCasts) ? StagingRing.Sizes.Select(ring => (strategy, ring))
            : [(strategy, StagingRing.DefaultBytes)];

    private static PlanCandidate Nearer(PlanCandidate? first, PlanCandidate second) =>
        first is null || second.Shortfall!.Value.MissingBytes < first.Shortfall!.Value.MissingBytes ? second : first;

    private static string Time(PlanCandidate candidate) => candidate.Microseconds < 1_000_000
        ? FormattableString.Invariant($"{candidate.Microseconds / 1e3:0.0} ms")
        : FormattableString.Invariant($"{candidate.Microseconds / 1e6:0.00} s");
}
