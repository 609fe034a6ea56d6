namespace MemLoad;

/// <summary>The difference of the runs of a strategy from earlier runs of the same load.</summary>
internal enum ChangeKind
{
    Worse, // a figure or the outcome
    Missing, // only in the earlier rows
    Better, // and nothing is worse
    New, // only in the rows of the report
    Same, // no figure differs by more than the noise
}

/// <summary>The runs of one strategy, and the runs of the same load in earlier rows. Null without such runs.</summary>
internal sealed record RunChange(ReportGroup Group, string Name, ReportStrategy? Before, ReportStrategy? Now)
{
    // Times of equal loads differ between runs. A smaller difference is noise.
    private const long TimePercent = 10;
    private const long TimeMicroseconds = 10_000;

    private readonly IReadOnlyList<(bool IsWorse, string Text)> _differences =
        Now is null || Before is null ? [] : [.. Differences(Before, Now)];

    /// <summary>Compares rows with earlier rows. The worst changes are first.</summary>
    public static IReadOnlyList<RunChange> Of(IReadOnlyList<LoadMeasurement> rows, IReadOnlyList<LoadMeasurement> baseline)
    {
        Run[] now = Runs(rows);
        ILookup<LoadKey, Run> before = Runs(baseline).ToLookup(run => run.Key);
        var keys = now.Select(run => run.Key).ToHashSet();
        IEnumerable<RunChange> changes =
        [
            .. now.Select(run =>
                new RunChange(run.Group, run.Strategy.Name, Counterpart([.. before[run.Key]], run)?.Strategy, run.Strategy)),
            .. before.Where(runs => !keys.Contains(runs.Key)).SelectMany(runs => runs)
                .Select(run => new RunChange(run.Group, run.Strategy.Name, run.Strategy, null)),
        ];
        return [.. changes.OrderBy(change => change.Kind)];
    }

    public ChangeKind Kind => this switch
    {
        { Now: null } => ChangeKind.Missing,
        { Before: null } => ChangeKind.New,
        _ when _differences.Any(difference => difference.IsWorse) => ChangeKind.Worse,
        _ when _differences.Count > 0 => ChangeKind.Better,
        _ => ChangeKind.Same,
    };

    public string Text => Kind switch
    {
        ChangeKind.Missing => "only in the baseline",
        ChangeKind.New => "not in the baseline",
        ChangeKind.Same => "the same",
        _ => string.Join("; ", _differences.OrderByDescending(difference => difference.IsWorse).Select(difference => difference.Text)),
    };

    private static Run[] Runs(IReadOnlyList<LoadMeasurement> rows) =>
    [
        .. ReportGroup.Of(rows, [])
            .SelectMany(group => group.Strategies, (group, strategy) => new Run(group, strategy, LoadKey.Of(group, strategy))),
    ];

    // Files of one name in several folders are different loads.
    private static Run? Counterpart(Run[] candidates, Run run) =>
        candidates.Length == 1 ? candidates[0] : candidates.FirstOrDefault(other => other.Group.Known.Path == run.Group.Known.Path);

    private static IEnumerable<(bool IsWorse, string Text)> Differences(ReportStrategy before, ReportStrategy now)
    {
        if (before.Typical.Outcome != now.Typical.Outcome)
        {
            yield return (!now.Typical.IsLoaded, $"{before.Typical.Verdict} before, {now.Typical.Verdict} now");
        }
        if (before.Typical.WeightsDigest is string old && now.Typical.WeightsDigest is string read && old != read)
        {
            yield return (true, "other weights");
        }
        Spread was = before.Of(row => row.ElapsedMicroseconds);
        Spread time = now.Of(row => row.ElapsedMicroseconds);
        // If the ranges of the runs overlap, the difference can be chance.
        if (was.Median is long from && time.Median is long to && (time.Least > was.Most || time.Most < was.Least)
            && Math.Abs((double)to - from) >= TimeMicroseconds && Math.Abs((double)to - from) * 100 > (double)from * TimePercent)
        {
            string percent = (((double)to - from) * 100 / Math.Max(from, 1)).ToString("+0 '%';-0 '%'", CultureInfo.InvariantCulture);
            yield return (to > from, $"time {Figures.Time(from)} to {Figures.Time(to)} ({percent})");
        }
        foreach ((string name, bool exact, Func<LoadMeasurement, long?> figure) in new (string, bool, Func<LoadMeasurement, long?>)[]
        {
            ("host", false, row => row.PeakHostBytes), ("device", true, row => row.PeakDeviceBytes),
        })
        {
            if (before.Of(figure).Median is long less && now.Of(figure).Median is long more
                && (exact ? less != more : RowVerdict.HostDiffers(more, less)))
            {
                string change = RowVerdict.Signed(more, less);
                yield return (more > less, $"{name} {Figures.Bytes(less)} to {Figures.Bytes(more)} ({change})");
            }
        }
    }

    private sealed record Run(ReportGroup Group, ReportStrategy Strategy, LoadKey Key);

    // A model keeps its name when its folder changes, for example with a new version.
    private sealed record LoadKey(string HostName, string Device, string Model, string? DType, long? Rank, long? RankCount, string? Split,
        string? Cache, string Strategy)
    {
        public static LoadKey Of(ReportGroup group, ReportStrategy strategy)
        {
            LoadMeasurement row = strategy.Typical;
            string model = row.Model ?? ReportGroup.NameOf(group.Known);
            return new(group.HostName, group.Device, model, row.DType, row.Rank, row.RankCount, row.Split, row.Cache, row.Strategy);
        }
    }
}
