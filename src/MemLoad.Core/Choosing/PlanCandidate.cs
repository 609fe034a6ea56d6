namespace MemLoad;

/// <summary>A plan that could be run, with what it would hold and what it lacks.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Forecast">Its forecast.</param>
/// <param name="Shortfall">What the budget lacks for it; null if it fits.</param>
/// <param name="HasUsualRing">Whether its staging ring, if it has one, is what the strategy takes unless told otherwise.</param>
internal sealed record PlanCandidate(LoadPlan Plan, PlanForecast Forecast, Shortfall? Shortfall, bool HasUsualRing)
{
    /// <summary>The plan's name for people: the strategy, with the ring where it is not the usual one.</summary>
    public string Name => HasUsualRing ? Plan.Strategy.ToString() : $"{Plan.Strategy} with a ring of {Printable.Bytes(Plan.RingBytes)}";

    /// <summary>A strategy's plan held against a budget.</summary>
    public static PlanCandidate Of(Strategy strategy, Checkpoint checkpoint, IDevice device, MemoryBudget budget, long ringBytes = StagingRing.DefaultBytes)
    {
        var plan = LoadPlan.Create(strategy, checkpoint, device, ringBytes);
        var forecast = PlanForecast.Of(plan, device);
        return new PlanCandidate(plan, forecast, budget.Check(plan, forecast), ringBytes == StagingRing.DefaultBytes);
    }
}
