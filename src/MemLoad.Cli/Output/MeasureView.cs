using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>
/// Prints the rows of <c>measure</c>: what was loaded, forecast and measured values, and whether all strategies loaded the same weights.
/// </summary>
internal static class MeasureView
{
    private const int PageWidth = 80;

    public static void Write(IReadOnlyList<LoadMeasurement> rows, bool inProcess, CliConsole console)
    {
        // Ranks that loaded at the same time are in one table, even if they have different devices.
        foreach (IGrouping<string, LoadMeasurement> device in rows.GroupBy(row => row.RanksForecastHostBytes is null ? row.Device : ""))
        {
            WriteDevice([.. device], inProcess, console);
        }
    }

    private static void WriteDevice(IReadOnlyList<LoadMeasurement> rows, bool inProcess, CliConsole console)
    {
        Units units = Units.For(rows.SelectMany(Peaks));
        Caption(rows, inProcess, console);
        TextTable.Line(console, $"peaks in {units.Name}, forecast / measured, above the idle process");

        bool repeated = rows.Any(row => row.Run > 1);
        TextTable table = Table(rows, units, repeated, " / ", console);
        if (table.Width > PageWidth)
        {
            table = Table(rows, units, repeated, "/", console);
        }
        AddBars(table, rows, console);
        table.Write();
        Digests(rows, console);
        Ranks(rows, units, repeated, console);
        foreach (LoadMeasurement row in rows.Where(row => row is { Note: not null, Run: 1 }))
        {
            TextTable.Line(console, $"{row.Strategy}: {row.Note}");
        }
        foreach (LoadMeasurement row in rows.Where(row => row.Message is not null))
        {
            TextTable.Line(console, $"{Label(row, repeated)}: {row.Message}", new Style(Color.Red));
        }
        PeakChart.Write([.. rows.Select(row => (Label(row, repeated), row))], units, console);
    }

    // Adds bars of device and host memory, one after the other, as wide as the table allows. The chart below has more space.
    private static void AddBars(TextTable table, IReadOnlyList<LoadMeasurement> rows, CliConsole console)
    {
        const int LeastCells = 4;
        const int MostCells = 24;
        int cells = Math.Min(MostCells, PageWidth - table.Width - 2);
        long most = rows.Max(row => (row.PeakDeviceBytes ?? 0) + (row.PeakHostBytes ?? 0));
        if (cells < LeastCells || most == 0)
        {
            return;
        }
        var bars = new Bars(console.Unicode);
        table.AddColumn("Peaks",
            rows.Select(row => new Cell(Bars.Stack(most, cells, (bars.Device, row.PeakDeviceBytes), (bars.Host, row.PeakHostBytes)))));
    }

    private static IEnumerable<long?> Peaks(LoadMeasurement row) =>
        [row.PeakDeviceBytes, row.ForecastDeviceBytes, row.PeakHostBytes, row.ForecastHostBytes, row.PeakHostFileBytes];

    private static TextTable Table(IReadOnlyList<LoadMeasurement> rows, Units units, bool repeated, string between, CliConsole console)
    {
        Pairs device = new(units, between, rows.Select(row => (row.ForecastDeviceBytes, row.PeakDeviceBytes)));
        Pairs host = new(units, between, rows.Select(row => (row.ForecastHostBytes, row.PeakHostBytes)));
        // The cpu has no device memory to show.
        bool hasDevice = rows.Any(row => row.PeakDeviceBytes > 0 || row.ForecastDeviceBytes > 0);
        var table = new TextTable(console);
        table.Column("Strategy");
        if (hasDevice)
        {
            table.Column("Device", right: true);
        }
        table.Column("Host", right: true).Column("File-\nbacked", right: true).Column("Time\nms", right: true).Column("GB/s", right: true)
            .Column("Verdict");
        foreach (LoadMeasurement row in rows)
        {
            table.Row(
            [
                Label(row, repeated),
                .. hasDevice ? new Cell[] { device.Format(row.ForecastDeviceBytes, row.PeakDeviceBytes) } : [],
                host.Format(row.ForecastHostBytes, row.PeakHostBytes),
                units.Format(row.PeakHostFileBytes),
                Units.ThreeDigits(row.ElapsedMicroseconds / 1e3),
                // Powers of 1000, as the makers of disks and buses use.
                Units.ThreeDigits(row.BytesPerSecond / 1e9),
                new Cell(row.Verdict, Colour(row)),
            ]);
        }
        return table;
    }

    private static string Label(LoadMeasurement row, bool repeated)
    {
        string name = ReportStrategy.NameOf(row);
        name = row.RanksForecastHostBytes is null ? name : $"{name} rank {row.Rank}";
        return repeated ? $"{name} #{row.Run}" : name;
    }

    // Prints the host memory that all ranks of one load needed.
    private static void Ranks(IReadOnlyList<LoadMeasurement> rows, Units units, bool repeated, CliConsole console)
    {
        foreach (LoadMeasurement row in rows.Where(row => row is { RanksForecastHostBytes: not null, Rank: 0 }))
        {
            string run = repeated ? $" #{row.Run}" : "";
            TextTable.Line(console,
                $"{row.Strategy}{run}, {row.RankCount} ranks at the same time: host {units.Format(row.RanksForecastHostBytes)} / "
                    + $"{units.Format(row.RanksPeakHostBytes)} {units.Name}");
        }
    }

    private static Color Colour(LoadMeasurement row) => (row.AsForecast, row.IsLoaded) switch
    {
        (true, _) => Color.Green,
        (false, _) => Color.Yellow,
        (null, true) => Color.Default,
        (null, false) => Color.Red,
    };

    private static void Caption(IReadOnlyList<LoadMeasurement> rows, bool inProcess, CliConsole console)
    {
        LoadMeasurement known = rows.FirstOrDefault(row => row.ModelBytes is not null) ?? rows[0];
        string what = known.Size ?? System.IO.Path.GetFileName(known.Path)
            ?? (known.ForecastHostBytes is null ? known.Strategy : "weights");
        // Returns the rows of all ranks of one load, or its only row.
        LoadMeasurement[] parts = [.. rows.Where(row => (row.Strategy, row.Run) == (known.Strategy, known.Run))];
        long? count = known.Split is null ? parts.Sum(part => part.TensorCount) : known.TensorCount; // each rank has a slice of each tensor
        if (count is long tensors and > 0 && parts.Sum(part => part.ModelBytes) is long bytes)
        {
            what += $": {Figures.Count(tensors, "tensor")}, "
                + $"{Printable.Bytes(bytes)}{(known.DType is null ? "" : $", cast to {known.DType}")}"
                + Units.Split(known.Split, known.RankCount);
        }
        TextTable.Line(console, what, new Style(decoration: Decoration.Bold));
        if (known.Path is not null)
        {
            TextTable.Line(console, known.Format is null ? known.Path : $"{known.Path} ({known.Format})");
        }
        string process = inProcess ? "in this process" : "each in a fresh process";
        TextTable.Line(console, $"on {string.Join(", ", rows.Select(row => DeviceRegistry.Describe(row.Device)).Distinct())}");
        TextTable.Line(console, $"{process}, page cache {CacheState(rows, known)}");
    }

    private static string CacheState(IReadOnlyList<LoadMeasurement> rows, LoadMeasurement known)
    {
        string state = known.Cache switch
        {
            null or "AsIs" => "as it was",
            string other => other.ToLowerInvariant(),
        };
        long[] shares = [.. rows.Where(row => row is { CachedBytesAtStart: not null, FileBytes: > 0 })
            .Select(row => row.CachedBytesAtStart!.Value * 100 / row.FileBytes!.Value)];
        return shares switch
        {
            [] => state,
            _ when shares.Min() == shares.Max() => $"{state} ({shares[0]} % of the file in it)",
            _ => $"{state} ({shares.Min()} to {shares.Max()} % of the file in it)",
        };
    }

    private static void Digests(IReadOnlyList<LoadMeasurement> rows, CliConsole console)
    {
        if (rows.Any(row => row.RanksForecastHostBytes is not null))
        {
            foreach (IGrouping<long?, LoadMeasurement> rank in rows.GroupBy(row => row.Rank))
            {
                Digests([.. rank], $"rank {rank.Key}: ", console);
            }
            return;
        }
        Digests(rows, "", console);
    }

    private static void Digests(IReadOnlyList<LoadMeasurement> rows, string whose, CliConsole console)
    {
        string[] digests = [.. rows.Where(row => row.WeightsDigest is not null).Select(row => row.WeightsDigest!).Distinct()];
        switch (digests.Length)
        {
            case 0:
                break;
            case 1:
                string scope = rows.Count == 1 ? "weights" : rows.All(row => row.WeightsDigest is not null) ? "same weights in every row"
                    : "same weights in every row that loaded";
                bool asStated = rows.All(row => row is { ManifestDigest: not null, IsLoaded: true });
                string manifest = asStated ? ", as the manifest states" : "";
                TextTable.Line(console, $"{whose}{scope}: digest {digests[0][..Math.Min(16, digests[0].Length)]}…{manifest}",
                    new Style(Color.Green));
                break;
            default:
                TextTable.Line(console, $"{whose}THE WEIGHTS DIFFER between the rows:", new Style(Color.Red, decoration: Decoration.Bold));
                foreach (LoadMeasurement row in rows)
                {
                    TextTable.Line(console, $"  {row.Strategy} #{row.Run}: {row.WeightsDigest ?? "no digest"}", new Style(Color.Red));
                }
                break;
        }
    }

    // Returns pairs of figures with aligned slashes.
    private sealed class Pairs
    {
        private readonly Units _units;
        private readonly string _between;
        private readonly int _left;
        private readonly int _right;

        public Pairs(Units units, string between, IEnumerable<(long? Forecast, long? Measured)> pairs)
        {
            _units = units;
            _between = between;
            foreach ((long? forecast, long? measured) in pairs)
            {
                _left = Math.Max(_left, units.Format(forecast).Length);
                _right = Math.Max(_right, units.Format(measured).Length);
            }
        }

        public string Format(long? forecast, long? measured) =>
            _units.Format(forecast).PadLeft(_left) + _between + _units.Format(measured).PadLeft(_right);
    }
}
