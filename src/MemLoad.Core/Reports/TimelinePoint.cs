namespace MemLoad;

/// <summary>Memory at one moment of a load, measured beside forecast. Null where it is not known.</summary>
/// <param name="Microseconds">Time since the load began.</param>
/// <param name="HostBytes">Anonymous and shared host memory, above the idle process.</param>
/// <param name="HostFileBytes">Resident file-backed pages, above the idle process.</param>
/// <param name="DeviceBytes">Allocated on the device; null on the host itself.</param>
/// <param name="ForecastHostBytes">What the plan holds of anonymous host memory at the step under way: most since the point before.</param>
/// <param name="ForecastHostFileBytes">What it has mapped.</param>
/// <param name="ForecastDeviceBytes">What it has allocated on the device.</param>
/// <param name="Phase">The plan's phase; null before the first step.</param>
public readonly record struct TimelinePoint(
    long Microseconds,
    long? HostBytes,
    long? HostFileBytes,
    long? DeviceBytes,
    long? ForecastHostBytes,
    long? ForecastHostFileBytes,
    long? ForecastDeviceBytes,
    string? Phase)
{
    /// <summary>All that was measured, together.</summary>
    internal Int128 Measured => (Int128)(HostBytes ?? 0) + (HostFileBytes ?? 0) + (DeviceBytes ?? 0);

    /// <summary>All that was forecast, together.</summary>
    internal Int128 Forecast => (Int128)(ForecastHostBytes ?? 0) + (ForecastHostFileBytes ?? 0) + (ForecastDeviceBytes ?? 0);
}
