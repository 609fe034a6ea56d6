using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>The rows of <c>plan</c> for people.</summary>
internal static class PlanView
{
    public static void Write(IReadOnlyList<LoadForecast> rows, CliConsole console)
    {
        LoadForecast first = rows[0];
        string what = first.Size ?? Path.GetFileName(first.Path) ?? "weights";
        TextTable.Line(console, $"{what}: {Units.Count(first.TensorCount, "tensor")}, {Units.Bytes(first.ModelBytes)}, the largest {Units.Bytes(first.LargestBytes)}",
            new Style(decoration: Decoration.Bold));
        if (first.Path is not null)
        {
            TextTable.Line(console, first.Format is null ? first.Path : $"{first.Path} ({first.Format})");
        }
        Units units = Units.For(rows.SelectMany(row => new long?[] { row.ForecastDeviceReservedBytes, row.ForecastDeviceBytes, row.ForecastHostBytes, row.ForecastHostFileBytes }));
        TextTable.Line(console, $"forecast peaks on {first.Device} in {units.Name}; nothing was loaded");
        bool hasDevice = rows.Any(row => row.ForecastDeviceBytes > 0);
        var table = new TextTable(console);
        table.Column("Strategy");
        if (hasDevice)
        {
            table.Column("Device", right: true).Column("Device\nreserved", right: true);
        }
        table.Column("Host", right: true).Column("File-backed\nat most", right: true).Column("Fits");
        foreach (LoadForecast row in rows)
        {
            table.Row(
            [
                row.Strategy,
                .. hasDevice ? new Cell[] { units.Format(row.ForecastDeviceBytes), units.Format(row.ForecastDeviceReservedBytes) } : [],
                units.Format(row.ForecastHostBytes),
                units.Format(row.ForecastHostFileBytes),
                row.Fits switch
                {
                    true => new Cell("yes", Color.Green),
                    false => new Cell("no", Color.Red),
                    null => new Cell("-"),
                },
            ]);
        }
        table.Write();
        foreach (LoadForecast row in rows.Where(row => row.Message is not null))
        {
            TextTable.Line(console, $"{row.Strategy}: {row.Message}", row.Fits == false ? new Style(Color.Red) : null);
        }
    }
}
