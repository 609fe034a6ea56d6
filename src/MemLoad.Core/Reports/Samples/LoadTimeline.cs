namespace MemLoad;

/// <summary>
/// The memory of one measured load over time, for pictures. It is separate from its row, and names that row.
/// </summary>
public sealed record LoadTimeline
{
    /// <summary>The version of the file format.</summary>
    public const int Version = 1;

    /// <summary>The value of <see cref="LoadMeasurement.Strategy"/>.</summary>
    public required string Strategy { get; init; }

    /// <summary>The value of <see cref="LoadMeasurement.Device"/>.</summary>
    public required string Device { get; init; }

    /// <summary>The value of <see cref="LoadMeasurement.Run"/>.</summary>
    public required int Run { get; init; }

    /// <summary>The value of <see cref="LoadMeasurement.HostName"/>.</summary>
    public required string HostName { get; init; }

    /// <summary>The value of <see cref="LoadMeasurement.StartedAt"/>.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The points, oldest first. At most 1,000 if MemLoad wrote them.</summary>
    public required IReadOnlyList<TimelinePoint> Points { get; init; }

    /// <summary>Whether these are the samples of a row.</summary>
    public bool IsOf(LoadMeasurement row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return Key == KeyOf(row);
    }

    /// <summary>The key that identifies a load, for tables.</summary>
    internal (string Strategy, string Device, int Run, string HostName, long Moment) Key =>
        (Strategy, Device, Run, HostName, Moment(StartedAt));

    internal static (string Strategy, string Device, int Run, string HostName, long Moment) KeyOf(LoadMeasurement row) =>
        (row.Strategy, row.Device, row.Run, row.HostName, Moment(row.StartedAt));

    /// <summary>Returns the samples of a program, which has no plan, and reduces their number.</summary>
    internal static LoadTimeline Of(LoadMeasurement row, IReadOnlyList<MemorySample> samples) => Of(
        row,
        samples.Select(sample => new TimelinePoint(
            sample.ElapsedMicroseconds, sample.HostBytes, sample.HostFileBytes, sample.DeviceBytes, null, null, null, null)));

    /// <summary>Combines the samples of a load, oldest first, with the running totals of the plan, and reduces their number.</summary>
    internal static LoadTimeline Of(LoadMeasurement row, LoadPlan plan, IDevice device, IReadOnlyList<MemorySample> samples)
    {
        using CachingAllocator? allocator = device.NewForecastAllocator();
        return Of(row, WithForecast(plan, allocator, samples));
    }

    private static LoadTimeline Of(LoadMeasurement row, IEnumerable<TimelinePoint> points) => new()
    {
        Strategy = row.Strategy,
        Device = row.Device,
        Run = row.Run,
        HostName = row.HostName,
        StartedAt = row.StartedAt,
        Points = PointThinning.Thin([.. points]),
    };

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
                sample.ElapsedMicroseconds,
                sample.HostBytes,
                sample.HostFileBytes,
                sample.DeviceBytes,
                host,
                file,
                allocator is null ? null : held,
                sample.Phase);
        }
    }

    // To the millisecond, as the text of a row. Other programs write it with other digits or another offset.
    private static long Moment(DateTimeOffset time) => time.ToUnixTimeMilliseconds();
}
