using System.Globalization;

namespace MemLoad;

/// <summary>The runs of one strategy that belong together.</summary>
/// <param name="Name">The strategy, and what it chose.</param>
/// <param name="Rows">Its rows, in the order in which they came.</param>
/// <param name="Timeline">The samples of the run whose time is the median; null where there are none.</param>
internal sealed record ReportStrategy(string Name, IReadOnlyList<LoadMeasurement> Rows, LoadTimeline? Timeline)
{
    private static bool IsLoaded(LoadMeasurement row) => row.Outcome == nameof(LoadOutcome.Loaded);

    /// <summary>Its rows that loaded.</summary>
    public IEnumerable<LoadMeasurement> Loaded => Rows.Where(IsLoaded);

    /// <summary>The run to show: of those that loaded the one of median time, else the first.</summary>
    public LoadMeasurement Typical => TypicalOf(Rows);

    /// <summary>A figure over the runs.</summary>
    public Spread Of(Func<LoadMeasurement, long?> figure) => Spread.Of(Loaded.Select(figure));

    /// <summary>What the notebook says of it, where that can be compared.</summary>
    public (long Device, long Host)? Notebook =>
        Typical is { Size: NotebookFigures.Size, DType: null or "float32" } row ? NotebookFigures.Of(row.ChosenStrategy ?? row.Strategy) : null;

    public static ReportStrategy Of(IEnumerable<LoadMeasurement> rows, ILookup<(string Strategy, string Device, int Run, string HostName, string Moment), LoadTimeline> timelines)
    {
        LoadMeasurement[] all = [.. rows];
        LoadMeasurement typical = TypicalOf(all);
        string name = typical.ChosenStrategy is null || typical.ChosenStrategy == typical.Strategy ? typical.Strategy : $"{typical.Strategy} ({typical.ChosenStrategy})";
        IEnumerable<LoadMeasurement> preferred = all.OrderBy(row => ReferenceEquals(row, typical) ? 0 : IsLoaded(row) ? 1 : 2);
        LoadTimeline? timeline = preferred.Select(row => timelines[LoadTimeline.KeyOf(row)].FirstOrDefault()).FirstOrDefault(found => found is not null);
        return new ReportStrategy(name, all, timeline);
    }

    private static LoadMeasurement TypicalOf(IReadOnlyList<LoadMeasurement> rows)
    {
        LoadMeasurement[] loaded = [.. rows.Where(IsLoaded).OrderBy(row => row.ElapsedMicroseconds)];
        return loaded.Length > 0 ? loaded[(loaded.Length - 1) / 2] : rows[0];
    }
}

/// <summary>Loads that are fairly held against each other: of one model, on one machine, to one device.</summary>
/// <param name="HostName">The machine.</param>
/// <param name="Device">The device.</param>
/// <param name="Model">What was loaded, in a few words.</param>
/// <param name="Strategies">In the order in which they were measured.</param>
internal sealed record ReportGroup(string HostName, string Device, string Model, IReadOnlyList<ReportStrategy> Strategies)
{
    /// <summary>What to call it.</summary>
    public string Title => $"{Model} to {DeviceRegistry.Describe(Device)} on {HostName}";

    /// <summary>Whether the device has memory of its own.</summary>
    public bool HasDevice => Strategies.SelectMany(strategy => strategy.Rows).Any(row => row.PeakDeviceBytes > 0 || row.ForecastDeviceBytes > 0);

    /// <summary>Any row that knows what was loaded.</summary>
    public LoadMeasurement Known => Strategies.SelectMany(strategy => strategy.Rows).FirstOrDefault(row => row.ModelBytes is not null) ?? Strategies[0].Rows[0];

    /// <summary>Sorts rows into groups, both in the order in which they came.</summary>
    public static IReadOnlyList<ReportGroup> Of(IReadOnlyList<LoadMeasurement> rows, IReadOnlyList<LoadTimeline> timelines)
    {
        // Once for all rows: both files may have a hundred thousand lines.
        var drawn = timelines.Where(timeline => timeline.Points.Count > 1).ToLookup(timeline => timeline.Key);
        var groups = rows.GroupBy(row => (row.HostName, row.Device, row.Path, row.DType, row.Rank, row.RankCount, row.Cache));
        return [.. groups.Select(group => new ReportGroup(
            group.Key.HostName,
            group.Key.Device,
            ModelOf(group.FirstOrDefault(row => row.Size is not null) ?? group.First()),
            [.. group.GroupBy(row => (row.Strategy, row.ChosenStrategy ?? row.Strategy)).Select(runs => ReportStrategy.Of(runs, drawn))]))];
    }

    /// <summary>A model in a few words.</summary>
    public static string ModelOf(LoadMeasurement row)
    {
        string name = row.Size ?? FileName(row.Path) ?? "weights";
        string cast = row.DType is null ? name : $"{name} as {row.DType}";
        return row.RankCount is null ? cast : string.Create(CultureInfo.InvariantCulture, $"{cast}, rank {row.Rank} of {row.RankCount}");
    }

    // Rows come from other systems, too.
    private static string? FileName(string? path) => path?.TrimEnd('/', '\\') is { Length: > 0 } trimmed ? trimmed[(trimmed.LastIndexOfAny(['/', '\\']) + 1)..] : null;
}
