namespace MemLoad;

/// <summary>
/// The memory of one load over time. Device and host have separate panels with one scale, because their memory has separate limits. On the
/// host, anonymous memory and file-backed pages are stacked. Lines show the forecast at the current step, and the budget.
/// </summary>
internal static class TimelinePicture
{
    private const double Left = 48;
    private const double Right = 12;
    private const double PlotWidth = Picture.CommonWidth - Left - Right;
    private const double PanelHeight = 104;
    private const double BandHeight = 16;

    // A budget far above the used memory would make the other lines too low.
    private const double BudgetRoom = 1.5;

    /// <summary>Draws it. The highest figure of all pictures with this scale is <paramref name="most"/> bytes.</summary>
    public static Picture Of(string name, ReportStrategy strategy, ReportGroup group, long most)
    {
        LoadTimeline timeline = strategy.Timeline!;
        LoadMeasurement row = strategy.Rows.First(timeline.IsOf);
        IReadOnlyList<TimelinePoint> points = timeline.Points;
        long end = Math.Max(1, points[^1].Microseconds);
        var time = AxisScale.Time(end);
        var memory = AxisScale.Bytes(most);
        var shapes = new List<Shape>
        {
            new Label(Ink.Text, 0, 15, Truncate($"{strategy.Name} to {row.Device}", 34), 15, Bold: true),
            new Label(Ink.Muted, Picture.CommonWidth, 15, $"{Figures.Time(row.ElapsedMicroseconds ?? end)}, {row.Verdict}", 12, Anchor.End),
        };
        double y = 26;
        double panels = y;
        if (group.HasDevice)
        {
            Panel(shapes, ref y, points, end, memory, "Device", row.PeakDeviceBytes, row.ForecastDeviceBytes, row.DeviceBudgetBytes,
                point => point.ForecastDeviceBytes, (Ink.Device, point => point.DeviceBytes));
        }
        Panel(shapes, ref y, points, end, memory, "Host", row.PeakHostBytes, row.ForecastHostBytes, row.HostBudgetBytes,
            point => point.ForecastHostBytes, (Ink.Host, point => point.HostBytes), (Ink.File, point => point.HostFileBytes));
        IReadOnlyList<Hint> hints = [.. Hints(points, end, panels, y - panels, group.HasDevice)];
        IReadOnlyList<PhaseSpan> phases = PhaseSpan.Of(points);
        Phases(shapes, ref y, phases, end);
        TimeAxis(shapes, ref y, time, end);
        PhaseNames(shapes, ref y, phases);
        Legend(shapes, ref y, group.HasDevice, shapes.Any(shape => shape.Ink == Ink.Budget));
        string title = $"Memory over time: {strategy.Name} to {row.Device}";
        return new Picture(name, title, Describe(row, phases), Picture.CommonWidth, y, shapes, Table(points)) { Hints = hints };
    }

    // Each strip shows its highest sample, so that no peak is between two strips.
    private static IEnumerable<Hint> Hints(IReadOnlyList<TimelinePoint> points, long end, double top, double height, bool hasDevice)
    {
        const int Strips = 60;
        const double Width = PlotWidth / Strips;
        foreach (IGrouping<int, TimelinePoint> strip in points.GroupBy(point =>
                (int)Math.Min(Strips - 1, (double)point.Microseconds / end * Strips)))
        {
            TimelinePoint highest = strip.MaxBy(point =>
                (UInt128)(point.DeviceBytes ?? 0) + (UInt128)Sum(point.HostBytes, point.HostFileBytes))!;
            string device = hasDevice ? $"device {Figures.Bytes(highest.DeviceBytes)}, " : "";
            yield return new Hint(Left + (strip.Key * Width), top, Width, height,
                $"{Figures.Time(highest.Microseconds)}: {device}host {Figures.Bytes(highest.HostBytes)}, file-backed "
                    + $"{Figures.Bytes(highest.HostFileBytes)}");
        }
    }

    /// <summary>Returns the highest figure in the panels of a timeline.</summary>
    public static long MostOf(LoadTimeline timeline) => timeline.Points.Max(point => Math.Max(
        Math.Max(point.DeviceBytes ?? 0, point.ForecastDeviceBytes ?? 0),
        Math.Max(Sum(point.HostBytes, point.HostFileBytes), point.ForecastHostBytes ?? 0)));

    // Figures of a file can be up to 2⁶³ − 1.
    private static long Sum(long? one, long? other) => (long)UInt128.Min(long.MaxValue, (UInt128)(one ?? 0) + (UInt128)(other ?? 0));

    private static void Panel(
        List<Shape> shapes, ref double y, IReadOnlyList<TimelinePoint> points, long end, AxisScale memory, string title, long? peak,
        long? forecast, long? budget, Func<TimelinePoint, long?> planned, params (Ink Ink, Func<TimelinePoint, long?> Figure)[] layers)
    {
        bool shown = budget <= memory.End * BudgetRoom;
        double full = Math.Max(memory.End, shown ? budget ?? 0 : 0) * 1.04;
        string outside = budget is long above && !shown ? $" (budget {Figures.Bytes(above)})" : "";
        shapes.Add(new Label(Ink.Text, Left, y + 11, title, 12, Bold: true));
        shapes.Add(new Label(Ink.Muted, Left + 52, y + 11, $"peak {Figures.Bytes(peak)}, forecast {Figures.Bytes(forecast)}{outside}", 11));
        double top = y + 18;
        double bottom = top + PanelHeight;
        shapes.Add(Area.Box(Ink.Band, Left, top, PlotWidth, PanelHeight));
        for (int i = 0; i <= memory.Count; i++)
        {
            double at = bottom - (memory.At(i) / full * PanelHeight);
            shapes.Add(new Stroke(i == 0 ? Ink.Axis : Ink.Grid, [new(Left, at), new(Left + PlotWidth, at)]));
            bool last = i == memory.Count;
            shapes.Add(new Label(Ink.Muted, Left - 5, at + 4, memory.TextAt(i, withUnit: last), last ? 10 : 11, Anchor.End));
        }
        double[] ground = new double[points.Count];
        foreach ((Ink ink, Func<TimelinePoint, long?> figure) in layers)
        {
            double[] upper = [.. points.Select((point, i) => ground[i] + (figure(point) ?? 0))];
            if (points.Any(point => figure(point) > 0))
            {
                IEnumerable<Spot> there = upper.Select((value, i) => Place(points[i], value));
                IEnumerable<Spot> back = ground.Select((value, i) => Place(points[i], value)).Reverse();
                shapes.Add(new Area(ink, [.. there, .. back]));
            }
            ground = upper;
        }
        if (points.Any(point => planned(point) is not null))
        {
            shapes.Add(new Stroke(Ink.Forecast, [.. Steps(points.Select(point => Place(point, planned(point) ?? 0)))], 1.5, Dashed: true));
        }
        if (shown && budget is long limit)
        {
            double at = bottom - (limit / full * PanelHeight);
            shapes.Add(new Stroke(Ink.Budget, [new(Left, at), new(Left + PlotWidth, at)], 2));
            double below = at - top < 16 ? 13 : -4;
            shapes.Add(new Label(Ink.Budget, Left + PlotWidth - 3, at + below, $"budget {Figures.Bytes(limit)}", 11, Anchor.End));
        }
        y = bottom + 8;

        Spot Place(TimelinePoint point, double bytes) =>
            new(Left + ((double)point.Microseconds / end * PlotWidth), bottom - (Math.Min(bytes / full, 1) * PanelHeight));
    }

    // The memory of a plan does not change until its next step.
    private static IEnumerable<Spot> Steps(IEnumerable<Spot> spots)
    {
        Spot? before = null;
        foreach (Spot spot in spots)
        {
            if (before is Spot last && last.Y != spot.Y)
            {
                yield return new(spot.X, last.Y);
            }
            before = spot;
            yield return spot;
        }
    }

    private static void Phases(List<Shape> shapes, ref double y, IReadOnlyList<PhaseSpan> phases, long end)
    {
        for (int i = 0; i < phases.Count; i++)
        {
            double from = Left + ((double)phases[i].Start / end * PlotWidth);
            double width = Math.Max(1, (double)(phases[i].End - phases[i].Start) / end * PlotWidth);
            shapes.Add(Area.Box(i % 2 == 0 ? Ink.Grid : Ink.Band, from, y, width, BandHeight));
            if (width >= 14)
            {
                shapes.Add(new Label(Ink.Text, from + (width / 2), y + 12, Number(i), 11, Anchor.Middle, Bold: true));
            }
        }
        shapes.Add(new Label(Ink.Muted, Left - 5, y + 12, "phase", 11, Anchor.End));
        y += BandHeight;
    }

    private static void TimeAxis(List<Shape> shapes, ref double y, AxisScale time, long end)
    {
        for (int i = 0; i <= time.Count && time.At(i) <= end; i++)
        {
            double x = Left + (time.At(i) / end * PlotWidth);
            shapes.Add(new Stroke(Ink.Axis, [new(x, y), new(x, y + 4)]));
            // The last label has its unit, and must be inside the picture.
            bool last = i == time.Count || time.At(i + 1) > end;
            Anchor anchor = x > Left + PlotWidth - 20 ? Anchor.End : Anchor.Middle;
            shapes.Add(new Label(Ink.Muted, x, y + 16, time.TextAt(i, withUnit: last), 11, anchor));
        }
        y += 24;
    }

    private static void PhaseNames(List<Shape> shapes, ref double y, IReadOnlyList<PhaseSpan> phases)
    {
        // Two labels are side by side if both are short.
        bool wide = phases.Any(phase => phase.Name.Length > 20);
        for (int i = 0; i < phases.Count; i++)
        {
            bool right = !wide && i % 2 == 1;
            string text = $"{Number(i)}  {phases[i].Name}, {Figures.Time(phases[i].End - phases[i].Start)}";
            shapes.Add(new Label(Ink.Text, right ? Left + (PlotWidth / 2) : Left, y + 11, text, 11));
            y += right || wide || i == phases.Count - 1 ? 15 : 0;
        }
        y += 5;
    }

    private static void Legend(List<Shape> shapes, ref double y, bool hasDevice, bool hasBudget)
    {
        double x = 0;
        foreach ((Ink ink, string text, double width) in new[]
            {
                (Ink.Device, "device", 62.0),
                (Ink.Host, "host anonymous", 112),
                (Ink.File, "file-backed", 86),
                (Ink.Forecast, "forecast", 76),
                (Ink.Budget, "budget", 60),
            }.Where(item => (hasDevice || item.Item1 != Ink.Device) && (hasBudget || item.Item1 != Ink.Budget)))
        {
            bool line = ink is Ink.Forecast or Ink.Budget;
            shapes.Add(line ? new Stroke(ink, [new(x, y + 7), new(x + 14, y + 7)], 2, Dashed: ink == Ink.Forecast)
                : Area.Box(ink, x, y + 2, 11, 11));
            shapes.Add(new Label(Ink.Text, x + (line ? 18 : 15), y + 11, text, 11));
            x += width;
        }
        y += 18;
    }

    private static string Describe(LoadMeasurement row, IReadOnlyList<PhaseSpan> phases)
    {
        string device = row.PeakDeviceBytes > 0
            ? $"Device memory peaks at {Figures.Bytes(row.PeakDeviceBytes)}, forecast {Figures.Bytes(row.ForecastDeviceBytes)}. " : "";
        string host =
            $"Anonymous host memory peaks at {Figures.Bytes(row.PeakHostBytes)}, forecast {Figures.Bytes(row.ForecastHostBytes)}; ";
        string file = $"file-backed pages at {Figures.Bytes(row.PeakHostFileBytes)}. ";
        string order = phases.Count == 0 ? ""
            : $"Phases: {string.Join(", ", phases.Select(phase => $"{phase.Name} for {Figures.Time(phase.End - phase.Start)}"))}.";
        return device + host + file + order;
    }

    private static FigureTable Table(IReadOnlyList<TimelinePoint> points)
    {
        int rows = Math.Min(12, points.Count);
        IEnumerable<TimelinePoint> some = Enumerable.Range(0, rows)
            .Select(i => points[(int)((long)i * (points.Count - 1) / Math.Max(1, rows - 1))]);
        return FigureTable.Of(some,
            ("Time", point => Figures.Time(point.Microseconds)),
            ("Phase", point => point.Phase ?? "–"),
            ("Device", point => Figures.Bytes(point.DeviceBytes)),
            ("Host anonymous", point => Figures.Bytes(point.HostBytes)),
            ("File-backed", point => Figures.Bytes(point.HostFileBytes)),
            ("Forecast device", point => Figures.Bytes(point.ForecastDeviceBytes)),
            ("Forecast host", point => Figures.Bytes(point.ForecastHostBytes)));
    }

    private static string Number(int i) => (i + 1).ToString(CultureInfo.InvariantCulture);

    private static string Truncate(string text, int most) => text.Length <= most ? text : text[..(most - 1)] + "…";
}
