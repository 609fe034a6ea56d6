using System.Globalization;

namespace MemLoad;

/// <summary>
/// The memory of one measured load over time: what pictures are drawn from. It travels beside its row, never in it, and names the row it belongs to.
/// </summary>
public sealed record LoadTimeline
{
    /// <summary>The version of the form in files.</summary>
    public const int Version = 1;

    /// <summary>The row's <see cref="LoadMeasurement.Strategy"/>.</summary>
    public required string Strategy { get; init; }

    /// <summary>The row's <see cref="LoadMeasurement.Device"/>.</summary>
    public required string Device { get; init; }

    /// <summary>The row's <see cref="LoadMeasurement.Run"/>.</summary>
    public required int Run { get; init; }

    /// <summary>The row's <see cref="LoadMeasurement.HostName"/>.</summary>
    public required string HostName { get; init; }

    /// <summary>The row's <see cref="LoadMeasurement.StartedAt"/>.</summary>
    public required string StartedAt { get; init; }

    /// <summary>Oldest first; at most <see cref="PointThinning.MostPoints"/> where MemLoad wrote it.</summary>
    public required IReadOnlyList<TimelinePoint> Points { get; init; }

    /// <summary>Whether these are the samples of a row. The moment is compared, not its spelling, which other programs change.</summary>
    public bool IsOf(LoadMeasurement row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return Key == KeyOf(row);
    }

    /// <summary>What tells one load from all others, for tables of many.</summary>
    internal (string Strategy, string Device, int Run, string HostName, string Moment) Key => (Strategy, Device, Run, HostName, Moment(StartedAt));

    /// <summary>The key of a row's samples.</summary>
    internal static (string Strategy, string Device, int Run, string HostName, string Moment) KeyOf(LoadMeasurement row) =>
        (row.Strategy, row.Device, row.Run, row.HostName, Moment(row.StartedAt));

    /// <summary>Takes the samples of a load, puts the plan's running totals beside them, and thins them out.</summary>
    /// <param name="row">Names the load.</param>
    /// <param name="plan">What was executed.</param>
    /// <param name="device">Where to.</param>
    /// <param name="samples">Oldest first.</param>
    internal static LoadTimeline Of(LoadMeasurement row, LoadPlan plan, IDevice device, IReadOnlyList<MemorySample> samples)
    {
        using CachingAllocator? allocator = device.NewForecastAllocator();
        return new LoadTimeline
        {
            Strategy = row.Strategy,
            Device = row.Device,
            Run = row.Run,
            HostName = row.HostName,
            StartedAt = row.StartedAt,
            Points = PointThinning.Thin([.. WithForecast(plan, allocator, samples)]),
        };
    }

    private static IEnumerable<TimelinePoint> WithForecast(LoadPlan plan, CachingAllocator? allocator, IReadOnlyList<MemorySample> samples)
    {
        using IEnumerator<PlanTotals> totals = PlanForecast.Walk(plan, allocator).GetEnumerator();
        PlanTotals now = default;
        int walked = 0;
        foreach (MemorySample sample in samples)
        {
            (long host, long file, long held) = (now.HostBytes, now.HostFileBytes, now.Device.Allocated);
            // A sample names the first step of a batch.
            int end = sample.Step < 0 ? -1 : sample.Step + plan.BatchAt(sample.Step).Length - 1;
            for (bool first = true; walked <= end && totals.MoveNext(); walked++, first = false)
            {
                now = totals.Current;
                host = Math.Max(first ? 0 : host, now.HostBytes);
                file = Math.Max(first ? 0 : file, now.HostFileBytes);
                held = Math.Max(first ? 0 : held, now.Device.Allocated);
            }
            yield return new TimelinePoint(
                sample.ElapsedMicroseconds, sample.HostBytes, sample.HostFileBytes, sample.DeviceBytes, host, file, allocator is null ? null : held, sample.Phase);
        }
    }

    /// <summary>A moment as text that compares, whatever its offset; the text itself where it is no moment.</summary>
    internal static string Moment(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset moment)
            ? (moment.UtcTicks / TimeSpan.TicksPerMillisecond).ToString("D15", CultureInfo.InvariantCulture)
            : text;
}
