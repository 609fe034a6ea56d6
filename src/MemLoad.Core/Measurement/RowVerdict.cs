using System.Globalization;

namespace MemLoad;

/// <summary>
/// The verdict of a row: how the load ended, and how far it differs from its forecast. Only this class has the tolerances.
/// </summary>
internal static class RowVerdict
{
    // The difference that heap, stacks and page tables make between two processes.
    private const long HostNoise = 8L << 20;
    private const long HostPermille = 20;

    /// <summary>Returns the text of the verdict.</summary>
    public static string Of(LoadMeasurement row) => row?.Outcome switch
    {
        nameof(LoadOutcome.Loaded) when row.StatusReason is string reason => reason,
        nameof(LoadOutcome.Loaded) => HasForecast(row) ? Deviation(row) ?? "as forecast" : "measured",
        nameof(LoadOutcome.OutOfMemory) => "out of memory",
        string outcome => outcome.ToLowerInvariant(),
        null => throw new ArgumentNullException(nameof(row)),
    };

    /// <summary>Whether there is a forecast to compare with. Programs have none.</summary>
    public static bool HasForecast(LoadMeasurement row) => (row.ForecastHostBytes ?? row.ForecastDeviceBytes) is not null;

    /// <summary>
    /// Measured minus forecast if they disagree: on the device by at least one byte, on the host by more than 2 % and 8 MiB.
    /// </summary>
    public static string? Deviation(LoadMeasurement row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (row.PeakDeviceBytes - row.ForecastDeviceBytes is long device and not 0)
        {
            return "device " + Signed(device, row.ForecastDeviceBytes!.Value);
        }
        if (row.PeakHostBytes - row.ForecastHostBytes is long host
            && Math.Abs(host) > Math.Max(HostNoise, row.ForecastHostBytes!.Value / 1000 * HostPermille))
        {
            return "host " + Signed(host, row.ForecastHostBytes.Value);
        }
        return null;
    }

    private static string Signed(long difference, long forecast)
    {
        double percent = 100.0 * difference / Math.Max(forecast, 1);
        return Math.Abs(percent) switch
        {
            >= 999.5 => (difference < 0 ? "-" : "+") + Printable.Bytes(Math.Abs(difference)),
            >= 99.95 => percent.ToString("+0 '%';-0 '%'", CultureInfo.InvariantCulture),
            >= 0.05 => percent.ToString("+0.0 '%';-0.0 '%'", CultureInfo.InvariantCulture),
            _ => (difference < 0 ? "-" : "+") + Printable.Bytes(Math.Abs(difference)),
        };
    }
}
