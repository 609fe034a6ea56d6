namespace MemLoad.Cli;

/// <summary>Formats numbers for tables. Rows have bytes; only tables have units.</summary>
internal sealed class Units
{
    private const double Gigabyte = 1L << 30;
    private const double Megabyte = 1L << 20;

    private readonly double _unit;
    private readonly string _format;

    private Units(long largest)
    {
        bool gigabytes = largest >= 2 * Gigabyte;
        _unit = gigabytes ? Gigabyte : Megabyte;
        Name = gigabytes ? "GiB" : "MiB";
        // The result has at most five characters for any machine.
        _format = (gigabytes, largest / _unit) switch
        {
            (true, < 99.995) or (false, < 9.995) => "0.00",
            (true, < 999.95) or (false, < 99.95) => "0.0",
            _ => "0",
        };
    }

    /// <summary>Returns one unit for a whole table, so that its figures can be compared: GiB from 2 GiB on, else MiB.</summary>
    public static Units For(IEnumerable<long?> figures) => new(figures.Max() ?? 0);

    public string Name { get; }

    /// <summary>Returns a figure in this unit, without the name of the unit.</summary>
    public string Format(long? bytes) => bytes is long value ? (value / _unit).ToString(_format, CultureInfo.InvariantCulture) : "-";

    /// <summary>
    /// Returns the end of a title for tensors that are split among ranks (<see cref="TensorSplit"/>); empty for whole tensors.
    /// </summary>
    public static string Split(string? split, long? ranks) =>
        split is null ? "" : $", {split.ToLowerInvariant()} split among {ranks} ranks";

    /// <summary>Returns a figure with three significant digits; a dash for null.</summary>
    public static string ThreeDigits(double? figure) => figure is double known ? Printable.ThreeDigits(known) : "-";
}
