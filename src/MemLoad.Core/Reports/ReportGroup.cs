namespace MemLoad;

/// <summary>
/// The runs of one strategy in a group, in input order. The name includes the strategy that Auto selected. The samples are those of the run
/// with the median time, or null.
/// </summary>
internal sealed record ReportStrategy(string Name, IReadOnlyList<LoadMeasurement> Rows, LoadTimeline? Timeline)
{
    public IEnumerable<LoadMeasurement> Loaded => Rows.Where(row => row.IsLoaded);

    /// <summary>The run to show.</summary>
    public LoadMeasurement Typical => TypicalOf(Rows);

    public Spread Of(Func<LoadMeasurement, long?> figure) => Spread.Of(Loaded.Select(figure));

    /// <summary>The figures of the notebook, if they are comparable.</summary>
    public (long Device, long Host)? Notebook =>
        Typical is { Size: NotebookFigures.Size, DType: null or "float32" } row
            ? NotebookFigures.Of(row.ChosenStrategy ?? row.Strategy) : null;

    public static ReportStrategy Of(IEnumerable<LoadMeasurement> rows,
        ILookup<(string Strategy, string Device, int Run, string HostName, long Moment), LoadTimeline> timelines)
    {
        LoadMeasurement[] all = [.. rows];
        LoadMeasurement typical = TypicalOf(all);
        IEnumerable<LoadMeasurement> preferred = all.OrderBy(row => ReferenceEquals(row, typical) ? 0 : row.IsLoaded ? 1 : 2);
        LoadTimeline? timeline = preferred.SelectMany(row => timelines[LoadTimeline.KeyOf(row)]).FirstOrDefault();
        return new ReportStrategy(NameOf(typical), all, timeline);
    }

    /// <summary>Returns the strategy of a row, and the strategy that Auto selected.</summary>
    public static string NameOf(LoadMeasurement row) =>
        row.ChosenStrategy is null || row.ChosenStrategy == row.Strategy ? row.Strategy : $"{row.Strategy} ({row.ChosenStrategy})";

    /// <summary>Returns the run that represents several runs: the loaded run with the median time, otherwise the first run.</summary>
    public static LoadMeasurement TypicalOf(IReadOnlyList<LoadMeasurement> rows)
    {
        LoadMeasurement[] loaded = [.. rows.Where(row => row.IsLoaded).OrderBy(row => row.ElapsedMicroseconds)];
        return loaded.Length > 0 ? loaded[(loaded.Length - 1) / 2] : rows[0];
    }
}

/// <summary>
/// Loads that can be compared with each other: one model, one computer, one device. The strategies are in the order of the measurement.
/// </summary>
internal sealed record ReportGroup(string HostName, string Device, string Model, IReadOnlyList<ReportStrategy> Strategies)
{
    public string Title => $"{Model} to {DeviceRegistry.Describe(Device)} on {HostName}";

    /// <summary>Whether the device has its own memory.</summary>
    public bool HasDevice =>
        Strategies.SelectMany(strategy => strategy.Rows).Any(row => row.PeakDeviceBytes > 0 || row.ForecastDeviceBytes > 0);

    /// <summary>A row with the properties of the model.</summary>
    public LoadMeasurement Known =>
        Strategies.SelectMany(strategy => strategy.Rows).FirstOrDefault(row => row.ModelBytes is not null) ?? Strategies[0].Rows[0];

    /// <summary>Groups rows. Groups and rows are in input order.</summary>
    public static IReadOnlyList<ReportGroup> Of(IReadOnlyList<LoadMeasurement> rows, IReadOnlyList<LoadTimeline> timelines)
    {
        // The table is created once for all rows, because both files can have a hundred thousand lines.
        var drawn = timelines.Where(timeline => timeline.Points.Count > 1).ToLookup(timeline => timeline.Key);
        var groups = rows.GroupBy(row => (row.HostName, row.Device, row.Path, row.DType, row.Rank, row.RankCount, row.Split, row.Cache));
        return [.. groups.Select(group => new ReportGroup(
            group.Key.HostName,
            group.Key.Device,
            ModelOf(group.FirstOrDefault(row => row.Size is not null) ?? group.First()),
            [.. group.GroupBy(row => (row.Strategy, row.ChosenStrategy ?? row.Strategy)).Select(runs => ReportStrategy.Of(runs, drawn))]))];
    }

    /// <summary>Returns a short description of a model.</summary>
    public static string ModelOf(LoadMeasurement row)
    {
        string name = NameOf(row);
        string cast = row.DType is null ? name : $"{name} as {row.DType}";
        string rank = row.RankCount is null ? cast : FormattableString.Invariant($"{cast}, rank {row.Rank} of {row.RankCount}");
        return row.Split is null ? rank : $"{rank} by {row.Split.ToLowerInvariant()}";
    }

    /// <summary>Returns the name of a model: its size, or the name of its file.</summary>
    public static string NameOf(LoadMeasurement row) => row.Size ?? FileName(row.Path) ?? "weights";

    // Rows can come from other systems.
    private static string? FileName(string? path) =>
        path?.TrimEnd('/', '\\') is { Length: > 0 } trimmed ? trimmed[(trimmed.LastIndexOfAny(['/', '\\']) + 1)..] : null;
}
