namespace MemLoad;

/// <summary>
/// A possible plan, with its forecast and its missing memory. Its ring has 0 bytes if there is none. The time is null if the speed of this
/// machine is not known. The cached share, from 0 to 1, is determined when it is read, which takes time for large files. The shortfall is
/// null if the plan fits.
/// </summary>
internal sealed record PlanCandidate(Strategy Strategy, long RingLimit, long RingBytes, PlanForecast Forecast, PlanTime? Time,
    Lazy<double> CachedShare, Shortfall? Shortfall)
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
