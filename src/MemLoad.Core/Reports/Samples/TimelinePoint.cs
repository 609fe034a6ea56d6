namespace MemLoad;

/// <summary>Measured and forecast memory at one time of a load. Null if a value is not known.</summary>
/// <param name="Microseconds">Time since the load began.</param>
/// <param name="HostBytes">Anonymous and shared host memory, above the idle process.</param>
/// <param name="HostFileBytes">Resident file-backed pages, above the idle process.</param>
/// <param name="DeviceBytes">Allocated bytes of the device. Null on the host.</param>
/// <param name="ForecastHostBytes">Anonymous host memory of the plan at the current step: the maximum since the previous point.</param>
/// <param name="ForecastHostFileBytes">Mapped bytes of the plan.</param>
/// <param name="ForecastDeviceBytes">Device bytes of the plan.</param>
/// <param name="Phase">The phase of the plan. Null before the first step.</param>
public readonly record struct TimelinePoint(long Microseconds, long? HostBytes, long? HostFileBytes, long? DeviceBytes,
    long? ForecastHostBytes, long? ForecastHostFileBytes, long? ForecastDeviceBytes, string? Phase)
{
    internal Int128 Measured => (Int128)(HostBytes ?? 0) + (HostFileBytes ?? 0) + (DeviceBytes ?? 0);

    internal Int128 Forecast => (Int128)(ForecastHostBytes ?? 0) + (ForecastHostFileBytes ?? 0) + (ForecastDeviceBytes ?? 0);
}
