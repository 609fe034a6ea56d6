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
        if (row.PeakDeviceBytes is long device && row.ForecastDeviceBytes is long ofDevice && device != ofDevice)
        {
            return "device " + Signed(device, ofDevice);
        }
        return row.PeakHostBytes is long host && row.ForecastHostBytes is long ofHost && HostDiffers(host, ofHost)
            ? "host " + Signed(host, ofHost)
            : null;
    }

    /// <summary>Whether two peaks of the host differ by more than 2 % and 8 MiB. A smaller difference is noise.</summary>
    public static bool HostDiffers(long bytes, long reference) =>
        Int128.Abs((Int128)bytes - reference) > Math.Max(HostNoise, reference / 1000 * HostPermille);

    /// <summary>
    /// Returns the difference from a reference with its sign: in percent of the reference, or in bytes if the percentage says little.
    /// </summary>
    public static string Signed(long bytes, long reference)
    {
        // Rows of files have any numbers.
        Int128 difference = (Int128)bytes - reference;
        string amount = (difference < 0 ? "-" : "+") + Printable.Bytes((long)Int128.Min(Int128.Abs(difference), long.MaxValue));
        double percent = 100 * (double)difference / Math.Max(reference, 1);
        return Math.Abs(percent) switch
        {
            >= 999.5 => amount,
            >= 99.95 => percent.ToString("+0 '%';-0 '%'", CultureInfo.InvariantCulture),
            >= 0.05 => percent.ToString("+0.0 '%';-0.0 '%'", CultureInfo.InvariantCulture),
            _ => amount,
        };
    }
}
