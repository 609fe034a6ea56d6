namespace MemLoad;

/// <summary>
/// All plans for one checkpoint, device and budget, compared with the budget one by one as they are asked for. <see cref="Strategy.Auto"/> takes
/// of those that fit, strategy and ring size together, the one forecast to be fastest.
/// </summary>
/// <param name="view">What to load.</param>
/// <param name="device">Where to; its kind and the arithmetic of its allocator matter, nothing is allocated.</param>
/// <param name="budget">What may be taken.</param>
/// <param name="speed">How fast this machine is; without it there is nothing to choose by.</param>
/// <param name="cachedShare">How much of the files lies in the page cache, from 0 to 1.</param>
/// <param name="mapObstacle">Why the files must not be mapped; null if they may.</param>
internal sealed class PlanChooser(
    LoadView view, IDevice device, MemoryBudget budget, MachineSpeed? speed, Lazy<double> cachedShare, string? mapObstacle = null)
{
    // Forecasts of time are no closer than this: within it, the plan that depends least on the page cache and on the file is taken.
    private const double Tie = 0.1;

    // What to suggest first to somebody whose plan does not fit: the least host memory without holding on to the file comes first.
    private static readonly Strategy[] Suggestions =
        [Strategy.Stream, Strategy.Mmap, Strategy.PerTensor, Strategy.Meta, Strategy.Sequential, Strategy.Baseline];

    private readonly Dictionary<(Strategy, long), PlanCandidate> _candidates = [];

    /// <summary>Whether this machine's speed is known.</summary>
    public bool CanChoose => speed is not null;

    /// <summary>One strategy's plan, compared with the budget.</summary>
    public PlanCandidate Candidate(Strategy strategy, long ringLimit = StagingRing.DefaultBytes)
    {
        if (!_candidates.TryGetValue((strategy, ringLimit), out PlanCandidate? candidate))
        {
            candidate = Write(strategy, ringLimit, null);
            _candidates.Add((strategy, ringLimit), candidate);
        }
        return candidate;
    }

    /// <summary>One strategy's plan, compared with the budget and kept to be carried out: it is written once for both.</summary>
    public PlanCandidate ToCarryOut(Strategy strategy)
    {
        using var record = new PlanRecord();
        return _candidates[(strategy, StagingRing.DefaultBytes)] = Write(strategy, StagingRing.DefaultBytes, record);
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
            using var rehearsal = new PlanTally(view.Checkpoint, allocator);
            WriteFor([rehearsal]).Dispose();
        }
    }

    /// <summary>Chooses.</summary>
    /// <param name="why">Why this plan and no other, for people.</param>
    /// <returns>The fastest plan that fits; if none does, the one that lacks least.</returns>
    public PlanCandidate Choose(out string why)
    {
        string unmapped = (mapObstacle is null ? "" : $"; the file is not mapped: {mapObstacle}")
            + (speed?.Obstacle is null ? "" : $"; by another machine's speed, for this one's cannot be measured: {speed.Obstacle}");
        PlanCandidate[] all = [.. Strategies.All.Where(May).SelectMany(Variants).Select(variant => Candidate(variant.Strategy, variant.Ring)).OrderBy(candidate => candidate.Microseconds)];
        if (Array.Find(all, candidate => candidate.Shortfall is null) is not PlanCandidate fastest)
        {
            PlanCandidate nearest = all.Aggregate(Nearer);
            why = $"no plan fits; {nearest.Name} lacks least{unmapped}";
            return nearest;
        }
        PlanCandidate chosen = all.Where(candidate => candidate.Shortfall is null && candidate.Microseconds <= fastest.Microseconds * (1 + Tie))
            .MinBy(candidate => (Array.IndexOf(Suggestions, candidate.Strategy), candidate.Microseconds))!;
        string[] rejected =
        [
            .. all.TakeWhile(candidate => candidate != fastest)
                .Select(candidate => $"{candidate.Name} ({Time(candidate)}, {Printable.Bytes(candidate.Shortfall!.Value.MissingBytes)} short)"),
        ];
        why = $"{chosen.Name}: forecast to take {Time(chosen)}, the fastest plan that fits"
            + (chosen.Strategy == fastest.Strategy ? "" : $" (level with {fastest.Name}, {Time(fastest)})")
            + (rejected.Length == 0 ? "" : $"; faster but too large: {string.Join(", ", rejected)}") + unmapped;
        return chosen;
    }

    /// <summary>What to try instead of a plan that does not fit: the first suggestion that does, or the one that lacks least.</summary>
    public PlanCandidate Nearest(Strategy instead)
    {
        PlanCandidate? nearest = null;
        IEnumerable<(Strategy Strategy, long Ring)> others = Suggestions.Where(May).SelectMany(Variants).OrderBy(variant => variant.Ring != StagingRing.DefaultBytes);
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

    // On the host nothing passes through a ring but what is cast, so else one size is as good as another.
    private IEnumerable<(Strategy Strategy, long Ring)> Variants(Strategy strategy) =>
        strategy == Strategy.Stream && (!device.IsHost || view.HasCasts) ? StagingRing.Sizes.Select(ring => (strategy, ring)) : [(strategy, StagingRing.DefaultBytes)];

    private static PlanCandidate Nearer(PlanCandidate? first, PlanCandidate second) =>
        first is null || second.Shortfall!.Value.MissingBytes < first.Shortfall!.Value.MissingBytes ? second : first;

    private static string Time(PlanCandidate candidate) => candidate.Microseconds < 1_000_000
        ? FormattableString.Invariant($"{candidate.Microseconds / 1e3:0.0} ms")
        : FormattableString.Invariant($"{candidate.Microseconds / 1e6:0.00} s");
}
