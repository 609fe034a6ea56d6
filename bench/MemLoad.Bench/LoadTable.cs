using System.Globalization;

namespace MemLoad.Bench;

/// <summary>The table of a run: medians, compared with the limit and with PyTorch.</summary>
internal static class LoadTable
{
    // The limits of a load to these devices, with the limit of the disk first if files are cold. Then the notebook's baseline, and the
    // fastest method of PyTorch that copies.
    private static readonly string[] LoadLimits =
    [
        "limit: " + Limits.Disk,
        "limit: pread, fresh memory",
        "limit: pread and pwrite to memory files",
    ];
    private const string Baseline = "PyTorch: baseline";
    private const string FastestCopy = "PyTorch: assign";

    public static void Write(IReadOnlyList<Series> all, TextWriter output)
    {
        if (all.Count == 0)
        {
            return;
        }
        Series first = all[0];
        double? limit = LoadLimits.Select(title => Of(title)).FirstOrDefault(seconds => seconds is not null);
        double? baseline = Of(Baseline);
        double? fastest = Of(FastestCopy);
        output.WriteLine(
            $"{first.Device}, {first.Cache}, {first.Processors} processors, {Mebibytes(first.Bytes)} MiB of weights; medians of "
                + $"{first.Samples.Count}, spread from the fastest to the slowest");
        output.WriteLine(
            $"{"Contender", -44} {"ms", 7} {"spread", 13} {"GB/s", 5} {"of limit", 8} {"touched", 8} {"CPU s", 6} {"faults", 8} "
                + $"{"host", 6} {"file", 6} {"x assign", 8} {"x baseline", 10}");
        foreach (Series one in all)
        {
            if (one.MedianSeconds is not double seconds)
            {
                output.WriteLine($"{one.Contender,-44} {one.Samples[0].Error}");
                continue;
            }
            string spread =
                $"{Number(one.Good.Min(sample => sample.Seconds) * 1000)}-{Number(one.Good.Max(sample => sample.Seconds) * 1000)}";
            output.WriteLine(
                $"{one.Contender, -44} {Number(seconds * 1000), 7} {spread, 13} {Number(one.Bytes / seconds / 1e9, "0.00"), 5} "
                    + $"{Number(limit / seconds, "0 %"), 8} "
                    + $"{Number(one.MedianTouched * 1000), 8} {Number(one.Median(sample => sample.CpuSeconds), "0.0"), 6} "
                    + $"{Number(one.Median(sample => sample.PageFaults)), 8} "
                    + $"{Mebibytes(one.Median(sample => sample.PeakHostBytes)), 6} "
                    + $"{Mebibytes(one.Median(sample => sample.PeakFileBytes)), 6} "
                    + $"{Number(fastest / seconds, "0.0"), 8} {Number(baseline / seconds, "0.0"), 10}");
        }
        string[] digests = [.. all.SelectMany(one => one.Samples).Select(sample => sample.Digest).OfType<string>().Distinct()];
        output.WriteLine(
            digests.Length == 1
                ? $"same weights wherever they were verified: {digests[0]}"
                : $"{digests.Length} different digests: {string.Join(", ", digests)}");
        output.WriteLine();

        double? Of(string title) => all.FirstOrDefault(one => one.Contender == title)?.MedianSeconds;
    }

    private static string Number(double? value, string format = "0") => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";

    private static string Mebibytes(double? bytes) => Number(bytes / 1048576);
}
