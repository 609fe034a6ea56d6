namespace MemLoad;

/// <summary>A plan that could be made: what it would hold and what it lacks.</summary>
/// <param name="Strategy">The strategy that writes it.</param>
/// <param name="RingLimit">Upper limit of its staging ring.</param>
/// <param name="RingBytes">Its staging ring, 0 if it has none.</param>
/// <param name="Forecast">Its forecast.</param>
/// <param name="Time">Forecast of its time; null where this machine's speed is not known.</param>
/// <param name="CachedShare">How much of the files lies in the page cache, from 0 to 1: looked up when it is asked for, which takes its time with large files.</param>
/// <param name="Shortfall">What the budget lacks for it; null if it fits.</param>
internal sealed record PlanCandidate(Strategy Strategy, long RingLimit, long RingBytes, PlanForecast Forecast, PlanTime? Time, Lazy<double> CachedShare, Shortfall? Shortfall)
{
    /// <summary>The plan itself; null where only its forecast was asked for, for a plan can be long.</summary>
    public LoadPlan? Plan { get; init; }

    /// <summary>Forecast of its time as the page cache is; null where this machine's speed is not known.</summary>
    public long? Microseconds => Time?.Microseconds(CachedShare.Value);

    /// <summary>Whether its ring is what the strategy takes unless told otherwise.</summary>
    public bool HasUsualRing => RingLimit == StagingRing.DefaultBytes;

    /// <summary>The plan's name for people: the strategy, with the ring where it is not the usual one.</summary>
    public string Name => HasUsualRing ? Strategy.ToString() : $"{Strategy} with a ring of {Printable.Bytes(RingBytes)}";
}
