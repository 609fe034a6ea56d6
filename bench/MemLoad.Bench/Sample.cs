using System.Text.Json.Serialization;

namespace MemLoad.Bench;

/// <summary>The figures of one contender in one process: a line of JSON from the child, in .NET or in Python.</summary>
/// <param name="Seconds">The time from the call until the weights are ready.</param>
/// <param name="TouchSeconds">The time from then until every weight was read once; null if it was not requested.</param>
/// <param name="CpuSeconds">Processor time of all threads in <paramref name="Seconds"/>.</param>
/// <param name="PageFaults">Page faults of all kinds in <paramref name="Seconds"/>.</param>
/// <param name="PeakHostBytes">Anonymous and shared memory above the idle process.</param>
/// <param name="PeakFileBytes">Mapped files above the idle process.</param>
/// <param name="Digest">The digest of the weights, if it was requested.</param>
/// <param name="Error">The reason why there are no figures.</param>
internal sealed record Sample(
    double Seconds,
    double? TouchSeconds = null,
    double? CpuSeconds = null,
    long? PageFaults = null,
    long? PeakHostBytes = null,
    long? PeakFileBytes = null,
    string? Digest = null,
    string? Error = null);

/// <summary>All samples of one contender in one setting.</summary>
internal sealed record Series(string Contender, string Device, string Cache, int Processors, long Bytes, IReadOnlyList<Sample> Samples)
{
    [JsonIgnore]
    public IReadOnlyList<Sample> Good => [.. Samples.Where(sample => sample.Error is null)];

    public double? MedianSeconds => Median(sample => sample.Seconds);

    public double? MedianTouched => Median(sample => sample.Seconds + sample.TouchSeconds);

    public double? Median(Func<Sample, double?> of)
    {
        double[] sorted = [.. Good.Select(of).OfType<double>().Order()];
        return sorted.Length == 0 ? null : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
