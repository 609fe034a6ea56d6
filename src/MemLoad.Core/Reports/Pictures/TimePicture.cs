namespace MemLoad;

/// <summary>
/// Time and throughput of the strategies of a group as bars. A bar shows the median. A line extends from the fastest to the slowest run,
/// and a mark shows the forecast.
/// </summary>
internal static class TimePicture
{
    private const double Left = 96;
    private const double BarWidth = 206;
    private const double BarHeight = 14;
    private const double Row = 24;

    public static Picture Of(string name, ReportGroup group)
    {
        long most = group.Strategies.Max(strategy =>
            Math.Max(strategy.Of(row => row.ElapsedMicroseconds).Most ?? 0, strategy.Typical.ForecastMicroseconds ?? 0));
        var scale = AxisScale.Time(Math.Max(1, most), 4);
        var shapes = new List<Shape>();
        var hints = new List<Hint>();
        double bottom = (group.Strategies.Count * Row) + 4;
        for (int i = 0; i <= scale.Count; i++)
        {
            double x = Left + Length(scale.At(i));
            shapes.Add(new Stroke(i == 0 ? Ink.Axis : Ink.Grid, [new(x, 2), new(x, bottom)]));
            shapes.Add(new Label(Ink.Muted, x, bottom + 13, scale.TextAt(i, withUnit: i == scale.Count), 11, Anchor.Middle));
        }
        double y = 6;
        foreach (ReportStrategy strategy in group.Strategies)
        {
            Spread time = strategy.Of(row => row.ElapsedMicroseconds);
            string shown = strategy.Name.Length > 14 ? strategy.Name[..13] + "…" : strategy.Name;
            shapes.Add(new Label(Ink.Text, Left - 6, y + 11, shown, 12, Anchor.End, Bold: true));
            if (time is { Least: long least, Median: long median, Most: long slowest })
            {
                double middle = y + (BarHeight / 2);
                shapes.Add(Area.Box(Ink.Time, Left, y, Math.Max(1, Length(median)), BarHeight));
                if (least != slowest)
                {
                    shapes.Add(new Stroke(Ink.Text, [new(Left + Length(least), middle), new(Left + Length(slowest), middle)], 2));
                }
            }
            if (strategy.Typical.ForecastMicroseconds is long forecast)
            {
                double at = Left + Length(forecast);
                shapes.Add(new Stroke(Ink.Forecast, [new(at, y - 2), new(at, y + BarHeight + 2)], 2.5));
            }
            string figure = time.Median is null ? strategy.Typical.Verdict
                : $"{Figures.Time(time.Median)}, {Figures.Speed(strategy.Of(row => row.BytesPerSecond).Median)}";
            shapes.Add(new Label(Ink.Text, Picture.CommonWidth, y + 11, figure, 12, Anchor.End));
            hints.Add(new Hint(0, y - 4, Picture.CommonWidth, Row,
                $"{Described(strategy)}, forecast {Figures.Time(strategy.Typical.ForecastMicroseconds)}"));
            y += Row;
        }
        string description = string.Join(" ", group.Strategies.Select(strategy => Described(strategy) + "."));
        return new Picture(name, $"Time and throughput: {group.Title}", description, Picture.CommonWidth, bottom + 20, shapes, Table(group))
        {
            Hints = hints,
        };

        double Length(double microseconds) => microseconds / scale.End * BarWidth;
    }

    private static string Described(ReportStrategy strategy) =>
        $"{strategy.Name}: {Figures.Spread(strategy.Of(row => row.ElapsedMicroseconds), Figures.Time)}, "
            + $"{Figures.Speed(strategy.Of(row => row.BytesPerSecond).Median)}";

    private static FigureTable Table(ReportGroup group) => FigureTable.Of(group.Strategies,
        ("Strategy", strategy => strategy.Name),
        ("Runs", strategy => Figures.Count(strategy.Rows.Count)),
        ("Time", strategy => Figures.Spread(strategy.Of(row => row.ElapsedMicroseconds), Figures.Time)),
        ("Forecast", strategy => Figures.Time(strategy.Typical.ForecastMicroseconds)),
        ("Throughput", strategy => Figures.Spread(strategy.Of(row => row.BytesPerSecond), Figures.Speed)));
}
