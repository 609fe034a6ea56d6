using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>What to do with the page cache before a measured load.</summary>
public enum CacheState
{
    /// <summary>Leave it as it is.</summary>
    AsIs,
    /// <summary>Read the files once, so that they are in it.</summary>
    Warm,
    /// <summary>Evict the files, so that they come from the disk.</summary>
    Cold,
}

/// <summary>Which load to measure, and how.</summary>
/// <param name="Load">The load.</param>
public sealed record MeasureRequest(LoadRequest Load)
{
    /// <summary>State of the page cache to measure in.</summary>
    public CacheState Cache { get; init; } = CacheState.AsIs;

    /// <summary>Whether the samples are wanted beside the row, as a <see cref="LoadTimeline"/>.</summary>
    public bool Timeline { get; init; }

    /// <summary>What messages call the things to type; null for the words of the process that measures.</summary>
    [JsonInclude]
    internal Vocabulary? Words { get; init; }

    /// <summary>Number of the repetition, from 1.</summary>
    public int Run { get; init; } = 1;

    /// <summary>Repeats loads, one after the other, so that the runs to compare stand together.</summary>
    /// <param name="loads">The loads.</param>
    /// <param name="times">How often each is measured.</param>
    /// <param name="cache">State of the page cache to measure in.</param>
    public static IReadOnlyList<MeasureRequest> Repeat(IReadOnlyList<LoadRequest> loads, int times, CacheState cache) =>
        [.. loads.SelectMany(load => Enumerable.Range(1, times).Select(run => new MeasureRequest(load) { Cache = cache, Run = run }))];
}
