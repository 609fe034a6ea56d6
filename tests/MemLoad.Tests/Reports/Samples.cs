namespace MemLoad.Tests.Reports;

/// <summary>Timelines for pictures.</summary>
internal static class Samples
{
    /// <summary>A load with two phases of equal duration, whose memory grows all the time.</summary>
    public static LoadTimeline Of(LoadMeasurement row, int count = 50, long most = 3L << 30) =>
        new()
        {
            Strategy = row.Strategy,
            Device = row.Device,
            Run = row.Run,
            HostName = row.HostName,
            StartedAt = row.StartedAt,
            Points =
            [
                .. Enumerable
                    .Range(0, count)
                    .Select(i => new TimelinePoint(
                        i * 5000L,
                        most / count * i / 2,
                        i % 3 == 0 ? null : 1 << 20,
                        most / count * i,
                        most / 2,
                        1 << 20,
                        most,
                        i == 0 ? null
                            : i < count / 2 ? "ToEmpty"
                            : "Fill")),
            ],
        };
}
