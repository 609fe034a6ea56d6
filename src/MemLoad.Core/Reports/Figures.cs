using System.Globalization;

namespace MemLoad;

/// <summary>Figures for the readers of a report. Data carry raw numbers; units appear here only.</summary>
internal static class Figures
{
    /// <summary>Memory; an unknown figure is a dash.</summary>
    public static string Bytes(long? bytes) => bytes is long known ? Printable.Bytes(known) : "–";

    /// <summary>A time.</summary>
    public static string Time(long? microseconds) => microseconds switch
    {
        null => "–",
        >= 10_000_000 => Text(microseconds.Value / 1e6, "0.0", "s"),
        >= 1_000_000 => Text(microseconds.Value / 1e6, "0.00", "s"),
        >= 10_000 => Text(microseconds.Value / 1e3, "0", "ms"),
        >= 1_000 => Text(microseconds.Value / 1e3, "0.0", "ms"),
        _ => Text(microseconds.Value, "0", "µs"),
    };

    /// <summary>A speed, in powers of 1000 as the makers of disks and buses count.</summary>
    public static string Speed(long? bytesPerSecond) => bytesPerSecond is long known ? Text(known / 1e9, known >= 9_995_000_000 ? "0.0" : "0.00", "GB/s") : "–";

    /// <summary>A median, and from where to where the runs went if they differ.</summary>
    public static string Spread(Spread spread, Func<long?, string> format)
    {
        string median = format(spread.Median);
        return format(spread.Least) == format(spread.Most) ? median : $"{median} ({format(spread.Least)} to {format(spread.Most)})";
    }

    /// <summary>A whole number with thousands set apart.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number of things.</summary>
    public static string Count(long count, string thing) => $"{Count(count)} {thing}{(count == 1 ? "" : "s")}";

    private static string Text(double value, string format, string unit) => $"{value.ToString(format, CultureInfo.InvariantCulture)} {unit}";
}
