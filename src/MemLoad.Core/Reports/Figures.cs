namespace MemLoad;

/// <summary>Formats figures for the readers of a report. Data have raw numbers. Only these methods add units.</summary>
internal static class Figures
{
    /// <summary>Formats memory. An unknown figure is a dash.</summary>
    public static string Bytes(long? bytes) => bytes is long known ? Printable.Bytes(known) : "–";

    public static string Time(long? microseconds) => microseconds switch
    {
        null => "–",
        >= 10_000_000 => Text(microseconds.Value / 1e6, "0.0", "s"),
        >= 1_000_000 => Text(microseconds.Value / 1e6, "0.00", "s"),
        >= 10_000 => Text(microseconds.Value / 1e3, "0", "ms"),
        >= 1_000 => Text(microseconds.Value / 1e3, "0.0", "ms"),
        _ => Text(microseconds.Value, "0", "µs"),
    };

    /// <summary>Formats a speed in powers of 1000, as for disks and buses.</summary>
    public static string Speed(long? bytesPerSecond) =>
        bytesPerSecond is long known ? Text(known / 1e9, known >= 9_995_000_000 ? "0.0" : "0.00", "GB/s") : "–";

    /// <summary>Formats a median, with the range of the runs if they differ.</summary>
    public static string Spread(Spread spread, Func<long?, string> format)
    {
        string median = format(spread.Median);
        return format(spread.Least) == format(spread.Most) ? median : $"{median} ({format(spread.Least)} to {format(spread.Most)})";
    }

    /// <summary>Formats a whole number with thousands separators.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Formats a whole number with thousands separators into the space for it, if there is enough.</summary>
    public static ReadOnlySpan<char> Count(long count, Span<char> room) =>
        count.TryFormat(room, out int length, "N0", CultureInfo.InvariantCulture) ? room[..length] : Count(count);

    /// <summary>Formats a number with its noun.</summary>
    public static string Count(long count, string thing) => $"{Count(count)} {thing}{(count == 1 ? "" : "s")}";

    private static string Text(double value, string format, string unit) =>
        $"{value.ToString(format, CultureInfo.InvariantCulture)} {unit}";
}
