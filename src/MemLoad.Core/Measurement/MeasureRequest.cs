using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>The state of the page cache before a measured load.</summary>
public enum CacheState
{
    /// <summary>Leave it as it is.</summary>
    AsIs,
    /// <summary>Read the files once, so that they are in the cache.</summary>
    Warm,
    /// <summary>Evict the files, so that they are read from the disk.</summary>
    Cold,
}

/// <summary>A load to measure, and how to measure it.</summary>
/// <param name="Load">The load.</param>
public sealed record MeasureRequest(LoadRequest Load)
{
    /// <summary>The most runs of a load. Each is an object before the first one begins.</summary>
    internal const int MostRuns = 100_000;

    /// <summary>The state of the page cache to measure in.</summary>
    public CacheState Cache { get; init; } = CacheState.AsIs;

    /// <summary>The user's name for what is loaded, which the row states; null for none.</summary>
    public string? Model { get; init; }

    /// <summary>The bounds above which the row of the load is a warning; null for no bounds.</summary>
    public LoadBounds? WarnAbove { get; init; }

    /// <summary>The bounds above which the row of the load fails; null for no bounds.</summary>
    public LoadBounds? FailAbove { get; init; }

    /// <summary>Whether to return the samples with the row, as a <see cref="LoadTimeline"/>.</summary>
    public bool Timeline { get; init; }

    /// <summary>The words of messages for settings and commands; null for the words of the process that measures.</summary>
    [JsonInclude]
    internal Vocabulary? Words { get; init; }

    /// <summary>The number of the repetition, from 1.</summary>
    public int Run { get; init; } = 1;

    /// <summary>
    /// Returns requests that repeat each load. The repetitions of a load are consecutive, so that the runs to compare are together. Ranks
    /// that load at the same time are repeated together.
    /// </summary>
    /// <param name="loads">The loads.</param>
    /// <param name="times">How often to measure each load, at most 100,000 times.</param>
    /// <param name="cache">The state of the page cache to measure in.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of times is less than 1 or greater than 100,000.</exception>
    public static IReadOnlyList<MeasureRequest> Repeat(IReadOnlyList<LoadRequest> loads, int times, CacheState cache)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(times, MostRuns);
        return
        [
            .. from turn in LoadRequest.InTurns(loads, load => load)
               from run in Enumerable.Range(1, times)
               from load in turn
               select new MeasureRequest(load) { Cache = cache, Run = run },
        ];
    }
}
