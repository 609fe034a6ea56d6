using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>Prints the rows of <c>plan</c>.</summary>
internal static class PlanView
{
    public static void Write(IReadOnlyList<LoadForecast> rows, CliConsole console)
    {
        // Ranks that load at the same time are in one table, even if they have different devices.
        foreach (IGrouping<string, LoadForecast> device in rows.GroupBy(row => row.RanksForecastHostBytes is null ? row.Device : ""))
        {
            WriteDevice([.. device], console);
        }
    }

    private static string Label(LoadForecast row)
    {
        string name = row.Strategy == row.ChosenStrategy ? row.Strategy : $"{row.Strategy} ({row.ChosenStrategy})";
        return row.RanksForecastHostBytes is null ? name : $"{name} rank {row.Rank}";
    }

    private static void WriteDevice(IReadOnlyList<LoadForecast> rows, CliConsole console)
    {
        LoadForecast first = rows[0];
        string what = first.Size ?? Path.GetFileName(first.Path) ?? "weights";
        string cast = first.DType is null ? "" : $", cast to {first.DType}";
        // The rows of all ranks of the first strategy, or its only row.
        LoadForecast[] parts = [.. rows.Where(row => row.Strategy == first.Strategy)];
        TextTable.Line(console,
            $"{what}: {Figures.Count(first.Split is null ? parts.Sum(part => part.TensorCount) : first.TensorCount, "tensor")}, "
            + $"{Printable.Bytes(parts.Sum(part => part.ModelBytes))}, "
            + $"the largest {Printable.Bytes(parts.Max(part => part.LargestBytes))}{cast}{Units.Split(first.Split, first.RankCount)}",
            new Style(decoration: Decoration.Bold));
        if (first.Path is not null)
        {
            TextTable.Line(console, first.Format is null ? first.Path : $"{first.Path} ({first.Format})");
        }
        Units units = Units.For(rows.SelectMany(row =>
            new long?[] { row.ForecastDeviceReservedBytes, row.ForecastDeviceBytes, row.ForecastHostBytes, row.ForecastHostFileBytes,
                row.MissingBytes }));
        string devices = string.Join(", ", rows.Select(row => DeviceRegistry.Describe(row.Device)).Distinct());
        TextTable.Line(console, $"forecast peaks on {devices} in {units.Name}; nothing was loaded");
        if (first.HostBudgetBytes is long budget)
        {
            string device = first.DeviceBudgetBytes is long free ? $", of the device {Printable.Bytes(free)}" : "";
            TextTable.Line(console, $"a load may take {Printable.Bytes(budget)} of the host ({first.HostLimit}){device}");
        }
        bool hasDevice = rows.Any(row => row.ForecastDeviceBytes > 0);
        var table = new TextTable(console);
        table.Column("Strategy");
        if (hasDevice)
        {
            table.Column("Device", right: true).Column("Device\nreserved", right: true);
        }
        table.Column("Host", right: true).Column("File-backed\nat most", right: true).Column("Fits");
        bool timed = rows.Any(row => row.ForecastMicroseconds is not null);
        if (timed)
        {
            table.Column("Time\nms", right: true);
        }
        foreach (LoadForecast row in rows)
        {
            table.Row(
            [
                Label(row),
                .. hasDevice ? new Cell[] { units.Format(row.ForecastDeviceBytes), units.Format(row.ForecastDeviceReservedBytes) } : [],
                units.Format(row.ForecastHostBytes),
                units.Format(row.ForecastHostFileBytes),
                row.Fits switch
                {
                    true => new Cell("yes", Color.Green),
                    false => new Cell($"{units.Format(row.MissingBytes)} short", Color.Red),
                    null => new Cell("-"),
                },
                .. timed ? new Cell[] { Units.ThreeDigits(row.ForecastMicroseconds / 1e3) } : [],
            ]);
        }
        table.Write();
        foreach (LoadForecast row in rows.Where(row => row is { RanksForecastHostBytes: not null, Rank: 0 }))
        {
            TextTable.Line(console,
                $"{row.Strategy}, {row.RankCount} ranks at the same time: host {units.Format(row.RanksForecastHostBytes)} {units.Name}");
        }
        if (first.KvCacheBytes is long cache)
        {
            TextTable.Line(console, $"KV cache on top: {Printable.Bytes(cache)} = {first.KvCacheFormula}");
            string[] fitting = [.. rows.Where(row => row.FitsWithKvCache == true).Select(row => row.Strategy)];
            if (rows.Any(row => row.FitsWithKvCache is not null))
            {
                TextTable.Line(console, fitting.Length == 0 ? "the weights and the KV cache do not fit the device together"
                    : $"the weights and the KV cache fit the device together: {string.Join(", ", fitting)}");
            }
        }
        foreach (LoadForecast row in rows.Where(row => row.Note is not null))
        {
            TextTable.Line(console, $"{row.Strategy}: {row.Note}");
        }
        // One refusal is printed. The others differ only in their figures, which are in the table.
        if (rows.FirstOrDefault(row => row.Message is not null) is LoadForecast refused)
        {
            TextTable.Line(console, $"{refused.Strategy}: {refused.Message}", new Style(Color.Red));
        }
    }
}
