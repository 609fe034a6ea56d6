namespace MemLoad;

/// <summary><see cref="Strategy.Auto"/>: of all plans that fit the budget, strategy and ring size together, the one forecast to be fastest.</summary>
internal sealed class PlanChooser(Checkpoint checkpoint, IDevice device, MemoryBudget budget)
{
    // What to suggest first to somebody whose plan does not fit: the least host memory without holding on to the file comes first.
    private static readonly Strategy[] Suggestions =
        [Strategy.Stream, Strategy.Mmap, Strategy.PerTensor, Strategy.Meta, Strategy.Sequential, Strategy.Baseline];

    /// <summary>Chooses.</summary>
    /// <param name="speed">How fast this machine is.</param>
    /// <param name="cachedShare">How much of the files lies in the page cache, from 0 to 1.</param>
    /// <param name="why">Why this plan and no other, for people.</param>
    /// <returns>The fastest plan that fits; if none does, the one that lacks least.</returns>
    public PlanCandidate Choose(MachineSpeed speed, double cachedShare, out string why)
    {
        var rejected = new List<string>();
        PlanCandidate? nearest = null;
        foreach ((Strategy strategy, long ring, long microseconds) in ByTime(speed, cachedShare))
        {
            PlanCandidate candidate = PlanCandidate.Of(strategy, checkpoint, device, budget, ring);
            if (candidate.Shortfall is not Shortfall lack)
            {
                why = $"{candidate.Name}: forecast to take {Time(microseconds)}, the fastest plan that fits"
                    + (rejected.Count == 0 ? "" : $"; faster but too large: {string.Join(", ", rejected)}");
                return candidate;
            }
            rejected.Add($"{candidate.Name} ({Time(microseconds)}, {Printable.Bytes(lack.MissingBytes)} short)");
            if (nearest is null || lack.MissingBytes < nearest.Shortfall!.Value.MissingBytes)
            {
                nearest = candidate;
            }
        }
        why = $"no plan fits; {nearest!.Name} lacks least";
        return nearest;
    }

    /// <summary>What to try instead of a plan that does not fit: the first suggestion that does, or the one that lacks least.</summary>
    public PlanCandidate Nearest(Strategy instead)
    {
        PlanCandidate? nearest = null;
        IEnumerable<(Strategy Strategy, long Ring)> others = Suggestions.SelectMany(Variants).OrderBy(variant => variant.Ring != StagingRing.DefaultBytes);
        foreach ((Strategy strategy, long ring) in others.Where(variant => variant != (instead, StagingRing.DefaultBytes)))
        {
            PlanCandidate candidate = PlanCandidate.Of(strategy, checkpoint, device, budget, ring);
            if (candidate.Shortfall is not Shortfall lack)
            {
                return candidate;
            }
            if (nearest is null || lack.MissingBytes < nearest.Shortfall!.Value.MissingBytes)
            {
                nearest = candidate;
            }
        }
        return nearest!;
    }

    private IEnumerable<(Strategy Strategy, long Ring, long Microseconds)> ByTime(MachineSpeed speed, double cachedShare) =>
        Strategies.All.SelectMany(Variants)
            .Select(variant => (variant.Strategy, variant.Ring, PlanCost.Of(LoadPlan.Create(variant.Strategy, checkpoint, device, variant.Ring), speed, cachedShare)))
            .OrderBy(variant => variant.Item3);

    // On the host nothing passes through a ring, so one size is as good as another.
    private IEnumerable<(Strategy Strategy, long Ring)> Variants(Strategy strategy) =>
        strategy == Strategy.Stream && !device.IsHost ? StagingRing.Sizes.Select(ring => (strategy, ring)) : [(strategy, StagingRing.DefaultBytes)];

    private static string Time(long microseconds) => microseconds < 1_000_000
        ? FormattableString.Invariant($"{microseconds / 1e3:0.0} ms")
        : FormattableString.Invariant($"{microseconds / 1e6:0.00} s");
}
