namespace MemLoad.Cli;

/// <summary>The peaks of rows as a chart of text lines: one line per kind of memory, with the forecast marked.</summary>
internal static class PeakChart
{
    private const int BarCells = 46;
    private const int PageWidth = 80;

    public static void Write(IReadOnlyList<(string Label, LoadMeasurement Row)> rows, Units units, CliConsole console)
    {
        (string Label, LoadMeasurement Row)[] measured = [.. rows.Where(row => row.Row is { IsLoaded: true, PeakHostBytes: not null })];
        if (measured.Length == 0)
        {
            return;
        }
        var bars = new Bars(console.Unicode);
        long most = Math.Max(1, measured.Max(row => Kinds(row.Row, bars).Max(kind => Math.Max(kind.Bytes ?? 0, kind.Forecast ?? 0))));
        int label = measured.Max(row => row.Label.Length);
        int room = Math.Min(BarCells, PageWidth - label - 17);
        if (room < 10)
        {
            return;
        }
        console.Out.WriteLine();
        TextTable.Line(console, $"peaks; {bars.Forecast} is the forecast, the whole width is {units.Format(most)} {units.Name}");
        foreach ((string name, LoadMeasurement row) in measured)
        {
            string first = name;
            foreach ((string kind, char cell, long? bytes, long? forecast) in Kinds(row, bars)
                .Where(kind => kind.Bytes > most / 100 || kind.Forecast > 0))
            {
                TextTable.Line(console,
                    $"{first.PadRight(label)} {kind,-6} {bars.Marked(cell, bytes, forecast, most, room).PadRight(room)} "
                    + $"{units.Format(bytes),6}");
                first = "";
            }
        }
    }

    private static IEnumerable<(string Kind, char Cell, long? Bytes, long? Forecast)> Kinds(LoadMeasurement row, Bars bars) =>
    [
        ("device", bars.Device, row.PeakDeviceBytes, row.ForecastDeviceBytes),
            ("host", bars.Host, row.PeakHostBytes, row.ForecastHostBytes), ("file", bars.File, row.PeakHostFileBytes, null),
    ];
}
