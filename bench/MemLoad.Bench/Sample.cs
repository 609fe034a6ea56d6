using System.Text.Json.Serialization;

namespace MemLoad.Bench;

/// <summary>What one contender did in one process: a line of JSON from the child, .NET or Python alike.</summary>
/// <param name="Seconds">From the call to weights that are ready to use.</param>
/// <param name="TouchSeconds">From there until every weight was read once; null if that was not asked for.</param>
/// <param name="CpuSeconds">Processor time of all threads in the first of these.</param>
/// <param name="PageFaults">Page faults of all kinds in it.</param>
/// <param name="PeakHostBytes">Anonymous and shared memory above the idle process.</param>
/// <param name="PeakFileBytes">Mapped files above the idle process.</param>
/// <param name="Digest">Of the weights, where it was asked for.</param>
/// <param name="Error">Why there are no figures.</param>
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
