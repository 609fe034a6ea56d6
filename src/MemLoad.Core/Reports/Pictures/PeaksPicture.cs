namespace MemLoad;

/// <summary>
/// The peaks of the strategies of a group as bars with the forecast marked. It shows the figures of the notebook if the notebook measured
/// the same load.
/// </summary>
internal static class PeaksPicture
{
    private const double Left = 96;
    private const double BarWidth = 236;
    private const double BarHeight = 12;
    private const double BarSpace = 16;

    public static Picture Of(string name, ReportGroup group)
    {
        Bar[][] bars = [.. group.Strategies.Select(strategy => Bars(strategy, group.HasDevice).ToArray())];
        long most = Math.Max(1, bars.SelectMany(all => all).Max(bar => Math.Max(bar.Forecast ?? 0, bar.Figure.Most ?? 0)));
        var scale = AxisScale.Bytes(most);
        var shapes = new List<Shape>();
        var hints = new List<Hint>();
        double y = 4;
        for (int i = 0; i < bars.Length; i++)
        {
            ReportStrategy strategy = group.Strategies[i];
            shapes.Add(new Label(Ink.Text, 0, y + 12, strategy.Name, 13, Bold: true));
            shapes.Add(new Label(Ink.Muted, Picture.CommonWidth, y + 12, VerdictOf(strategy), 12, Anchor.End));
            y += 19;
            foreach (Bar bar in bars[i])
            {
                Draw(shapes, bar, y, scale);
                hints.Add(new Hint(0, y - 2, Picture.CommonWidth, BarSpace, Hinted(strategy, bar)));
                y += BarSpace;
            }
            y += 8;
        }
        for (int i = 0; i <= scale.Count; i++)
        {
            double x = Left + (scale.At(i) / scale.End * BarWidth);
            shapes.Insert(0, new Stroke(i == 0 ? Ink.Axis : Ink.Grid, [new(x, 20), new(x, y)]));
            shapes.Add(new Label(Ink.Muted, x, y + 13, scale.TextAt(i, withUnit: i == scale.Count), 11, Anchor.Middle));
        }
        y += 20;
        shapes.Add(new Stroke(Ink.Forecast, [new(Left, y + 1), new(Left, y + 13)], 2.5));
        shapes.Add(new Label(Ink.Text, Left + 7, y + 11, "forecast", 11));
        if (bars.SelectMany(all => all).Any(bar => bar.Ink == Ink.Notebook))
        {
            shapes.Add(Area.Box(Ink.Notebook, Left + 74, y + 2, 18, 10));
            shapes.Add(new Label(Ink.Text, Left + 97, y + 11, "the notebook's figure (PyTorch, CUDA)", 11));
        }
        y += 20;
        string title = $"Peak memory: {group.Title}";
        return new Picture(name, title, Describe(group), Picture.CommonWidth, y, shapes, Table(group)) { Hints = hints };
    }

    private static string Hinted(ReportStrategy strategy, Bar bar)
    {
        string forecast = bar.Forecast is long bytes ? $", forecast {Figures.Bytes(bytes)}" : "";
        string figure = bar.Ink == Ink.Notebook ? Notebook(bar.Figure.Median) : Figures.Spread(bar.Figure, Figures.Bytes) + forecast;
        return $"{strategy.Name}, {bar.Name}: {figure}";
    }

    private static void Draw(List<Shape> shapes, Bar bar, double y, AxisScale scale)
    {
        shapes.Add(new Label(Ink.Muted, Left - 6, y + 10, bar.Name, 11, Anchor.End));
        if (bar.Figure.Median is long median)
        {
            shapes.Add(Area.Box(bar.Ink, Left, y, Math.Max(1, Length(median)), BarHeight));
        }
        if (bar.Figure is { Least: long least, Most: long most } && Figures.Bytes(least) != Figures.Bytes(most))
        {
            double middle = y + (BarHeight / 2);
            shapes.Add(new Stroke(Ink.Text, [new(Left + Length(least), middle), new(Left + Length(most), middle)], 2));
        }
        if (bar.Forecast is long forecast)
        {
            double at = Left + Length(forecast);
            shapes.Add(new Stroke(Ink.Forecast, [new(at, y - 1.5), new(at, y + BarHeight + 1.5)], 2.5));
        }
        string figure = bar.Ink == Ink.Notebook ? Notebook(bar.Figure.Median) : Figures.Bytes(bar.Figure.Median);
        shapes.Add(new Label(Ink.Text, Picture.CommonWidth, y + 10, figure, 12, Anchor.End));

        double Length(long bytes) => bytes / scale.End * BarWidth;
    }

    // The notebook prints one decimal, and its GB has 1024³ bytes.
    private static string Notebook(long? bytes) =>
        $"{((bytes ?? 0) / (double)(1L << 30)).ToString("0.0", System.Globalization.CultureInfo.InvariantCulture)} GiB";

    private static IEnumerable<Bar> Bars(ReportStrategy strategy, bool hasDevice)
    {
        LoadMeasurement typical = strategy.Typical;
        if (hasDevice)
        {
            yield return new Bar("device", Ink.Device, strategy.Of(row => row.PeakDeviceBytes), typical.ForecastDeviceBytes);
            if (strategy.Notebook is { } theirs)
            {
                yield return new Bar("notebook GPU", Ink.Notebook, new(theirs.Device, theirs.Device, theirs.Device), null);
            }
        }
        yield return new Bar("host", Ink.Host, strategy.Of(row => row.PeakHostBytes), typical.ForecastHostBytes);
        yield return new Bar("file-backed", Ink.File, strategy.Of(row => row.PeakHostFileBytes), null);
        if (strategy.Notebook is { } figures)
        {
            yield return new Bar("notebook CPU", Ink.Notebook, new(figures.Host, figures.Host, figures.Host), null);
        }
    }

    private static string VerdictOf(ReportStrategy strategy)
    {
        string[] verdicts = [.. strategy.Rows.Select(row => row.Verdict).Distinct()];
        string runs = strategy.Rows.Count > 1 ? $"{Figures.Count(strategy.Rows.Count)} runs, " : "";
        return runs + (verdicts.Length > 2 ? $"{verdicts.Length} verdicts" : string.Join("; ", verdicts));
    }

    private static string Describe(ReportGroup group) => string.Join(" ", group.Strategies.Select(strategy =>
        $"{strategy.Name}: {(group.HasDevice ? $"device {Figures.Bytes(strategy.Of(row => row.PeakDeviceBytes).Median)}, " : "")}"
            + $"host {Figures.Bytes(strategy.Of(row => row.PeakHostBytes).Median)}, file-backed "
            + $"{Figures.Bytes(strategy.Of(row => row.PeakHostFileBytes).Median)}; {VerdictOf(strategy)}."));

    private static FigureTable Table(ReportGroup group)
    {
        (string, Func<ReportStrategy, string>)[] columns =
        [
            ("Strategy", strategy => strategy.Name),
            ("Device forecast", strategy => Figures.Bytes(strategy.Typical.ForecastDeviceBytes)),
            ("Device peak", strategy => Figures.Spread(strategy.Of(row => row.PeakDeviceBytes), Figures.Bytes)),
            ("Host forecast", strategy => Figures.Bytes(strategy.Typical.ForecastHostBytes)),
            ("Host peak", strategy => Figures.Spread(strategy.Of(row => row.PeakHostBytes), Figures.Bytes)),
            ("File-backed peak", strategy => Figures.Spread(strategy.Of(row => row.PeakHostFileBytes), Figures.Bytes)),
            ("Notebook GPU", strategy => strategy.Notebook is { } figures ? Notebook(figures.Device) : "–"),
            ("Notebook CPU", strategy => strategy.Notebook is { } figures ? Notebook(figures.Host) : "–"),
        ];
        bool notebook = group.Strategies.Any(strategy => strategy.Notebook is not null);
        return FigureTable.Of(group.Strategies, notebook ? columns : columns[..^2]);
    }

    private sealed record Bar(string Name, Ink Ink, Spread Figure, long? Forecast);
}
