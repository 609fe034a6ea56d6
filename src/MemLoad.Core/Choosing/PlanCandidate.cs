namespace MemLoad;

/// <summary>A possible plan, with its forecast and what it lacks.</summary>
/// <param name="Strategy">The strategy that writes the plan.</param>
/// <param name="RingLimit">The maximum length of its staging ring.</param>
/// <param name="RingBytes">The length of its staging ring; 0 if it has none.</param>
/// <param name="Forecast">Its forecast.</param>
/// <param name="Time">Forecast of its time; null if the speed of this machine is not known.</param>
/// <param name="CachedShare">The part of the files that is in the page cache, from 0 to 1. It is determined when it is read, which takes
/// time for large files.</param>
/// <param name="Shortfall">What the budget lacks for the plan; null if it fits.</param>
internal sealed record PlanCandidate(
    Strategy Strategy,
    long RingLimit,
    long RingBytes,
    PlanForecast Forecast,
    PlanTime? Time,
    Lazy<double> CachedShare,
    Shortfall? Shortfall)
{
    /// <summary>The plan itself; null if only its forecast was requested, because a plan can be long.</summary>
    public LoadPlan? Plan { get; init; }

    /// <summary>Forecast of its time with the current state of the page cache; null if the speed of this machine is not known.</summary>
    public long? Microseconds => Time?.Microseconds(CachedShare.Value);

    /// <summary>Whether its ring has the default length of the strategy.</summary>
    public bool HasUsualRing => RingLimit == StagingRing.DefaultBytes;

    /// <summary>The name of the plan for messages: the strategy, with the ring if its length is not the default.</summary>
    public string Name => HasUsualRing ? Strategy.ToString() : $"{Strategy} with a ring of {Printable.Bytes(RingBytes)}";
}
