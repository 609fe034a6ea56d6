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
    public static string Of(LoadMeasurement row) => row.Outcome switch
    {
        nameof(LoadOutcome.Loaded) when row.StatusReason is string reason => reason,
        nameof(LoadOutcome.Loaded) => HasForecast(row) ? Deviation(row) ?? "as forecast" : "measured",
        nameof(LoadOutcome.OutOfMemory) => "out of memory",
        string outcome => outcome.ToLowerInvariant(),
    };

    /// <summary>Whether there is a forecast to compare with. Programs have none.</summary>
    public static bool HasForecast(LoadMeasurement row) => (row.ForecastHostBytes ?? row.ForecastDeviceBytes) is not null;

    /// <summary>
    /// Measured minus forecast if they disagree: on the device by at least one byte, on the host by more than 2 % and 8 MiB.
    /// </summary>
    public static string? Deviation(LoadMeasurement row)
    {
        if (row.PeakDeviceBytes - row.ForecastDeviceBytes is long device and not 0)
        {
            return "device " + Signed(device, row.ForecastDeviceBytes!.Value);
        }
        if (row.PeakHostBytes - row.ForecastHostBytes is long host
            && HostDiffers(row.PeakHostBytes!.Value, row.ForecastHostBytes!.Value))
        {
            return "host " + Signed(host, row.ForecastHostBytes.Value);
        }
        return null;
    }

    /// <summary>Whether two peaks of the host differ by more than 2 % and 8 MiB. A smaller difference is noise.</summary>
    public static bool HostDiffers(long bytes, long reference) =>
        Math.Abs(bytes - reference) > Math.Max(HostNoise, reference / 1000 * HostPermille);

    /// <summary>
    /// Returns a difference with its sign: in percent of a reference, or in bytes if the percentage says little.
    /// </summary>
    public static string Signed(long difference, long reference)
    {
        double percent = 100.0 * difference / Math.Max(reference, 1);
        return Math.Abs(percent) switch
        {
            >= 999.5 => (difference < 0 ? "-" : "+") + Printable.Bytes(Math.Abs(difference)),
            >= 99.95 => percent.ToString("+0 '%';-0 '%'", CultureInfo.InvariantCulture),
            >= 0.05 => percent.ToString("+0.0 '%';-0.0 '%'", CultureInfo.InvariantCulture),
            _ => (difference < 0 ? "-" : "+") + Printable.Bytes(Math.Abs(difference)),
        };
    }
}
