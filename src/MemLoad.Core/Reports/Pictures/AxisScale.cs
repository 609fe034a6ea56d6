namespace MemLoad;

/// <summary>An axis from zero, with the positions and labels of its marks.</summary>
internal sealed class AxisScale
{
    private const double Kibi = 1024;

    private readonly double _unit;
    private readonly double _step;

    private AxisScale(double most, int marks, double unit, string unitName)
    {
        (_unit, UnitName) = (unit, unitName);
        _step = NiceStep(Math.Max(most / unit, 1e-9) / marks);
        Count = Math.Max(1, (int)Math.Ceiling((most / unit / _step) - 1e-9));
    }

    public string UnitName { get; }

    /// <summary>The number of marks without zero. The last mark is the end of the axis.</summary>
    public int Count { get; }

    /// <summary>The end of the axis, in the unit of the data.</summary>
    public double End => Count * _step * _unit;

    /// <summary>An axis of memory, in GiB from 2 GiB, otherwise in MiB.</summary>
    public static AxisScale Bytes(long most, int marks = 4) =>
        most >= 2L << 30 ? new(most, marks, Kibi * Kibi * Kibi, "GiB") : new(Math.Max(most, 1 << 20), marks, Kibi * Kibi, "MiB");

    /// <summary>An axis of time in microseconds.</summary>
    public static AxisScale Time(long most, int marks = 5) => most switch
    {
        >= 2_000_000 => new(most, marks, 1e6, "s"),
        >= 2_000 => new(most, marks, 1e3, "ms"),
        _ => new(Math.Max(most, 1), marks, 1, "µs"),
    };

    /// <summary>Returns the position of mark <paramref name="i"/>, in the unit of the data.</summary>
    public double At(int i) => i * _step * _unit;

    public string TextAt(int i, bool withUnit = false) =>
        (i * _step).ToString("0.####", CultureInfo.InvariantCulture) + (withUnit ? $" {UnitName}" : "");

    // 1, 2 or 5 times a power of ten.
    private static double NiceStep(double least)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return (least / power) switch
        {
            <= 1.0000001 => power,
            <= 2.0000001 => 2 * power,
            <= 5.0000001 => 5 * power,
            _ => 10 * power,
        };
    }
}
