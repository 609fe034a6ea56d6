using System.Globalization;

namespace MemLoad.Cli;

/// <summary>Numbers for people. Rows carry raw bytes; units appear here only.</summary>
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
        // Never more than five characters, whatever fits in a machine.
        _format = (gigabytes, largest / _unit) switch
        {
            (true, < 99.995) or (false, < 9.995) => "0.00",
            (true, < 999.95) or (false, < 99.95) => "0.0",
            _ => "0",
        };
    }

    /// <summary>One unit for a whole table, so that its figures compare at a glance: GiB from 2 GiB up, else MiB.</summary>
    public static Units For(IEnumerable<long?> figures) => new(figures.Max() ?? 0);

    /// <summary>The unit's name.</summary>
    public string Name { get; }

    /// <summary>A figure in this unit, without its name.</summary>
    public string Format(long? bytes) => bytes is long value ? (value / _unit).ToString(_format, CultureInfo.InvariantCulture) : "-";

    /// <summary>A whole number with thousands set apart.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number of things, such as <c>1 tensor</c> or <c>1,024 tensors</c>.</summary>
    public static string Count(long count, string thing) => $"{Count(count)} {thing}{(count == 1 ? "" : "s")}";

    /// <summary>A figure with the three digits that mean something; null is a dash.</summary>
    public static string ThreeDigits(double? figure) => figure is double known ? Printable.ThreeDigits(known) : "-";
}
