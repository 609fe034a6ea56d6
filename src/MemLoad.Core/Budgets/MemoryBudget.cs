namespace MemLoad;

/// <summary>
/// The memory by which a plan exceeds a budget. <paramref name="Limit"/> is the host limit with the most missing bytes; null for the
/// capacity of the device.
/// </summary>
internal readonly record struct Shortfall(MemoryLimit? Limit, long NeedBytes, long BudgetBytes)
{
    public long MissingBytes => NeedBytes - BudgetBytes;
}

/// <summary>
/// The memory that a load may use. For the host, it is the headroom less its reserves, and at most the limit of the user. For the device,
/// it is the free memory. A plan is compared with it before memory is allocated.
/// </summary>
internal sealed class MemoryBudget
{
    /// <summary>The name of the limit that the user set, in rows.</summary>
    internal const string OwnLimit = "the limit given";

    // A table entry of 8 bytes per page of 4 KiB that is mapped and used.
    private const long BytesPerPageTableByte = 512;

    private readonly Headroom _host;
    private readonly bool _deviceSharesHost;

    private MemoryBudget(Headroom host, long? deviceBytes, bool deviceSharesHost)
    {
        _host = host;
        DeviceBytes = deviceBytes;
        _deviceSharesHost = deviceSharesHost;
    }

    /// <summary>Every limit on host memory, in the order of <see cref="Headroom.Limits"/>.</summary>
    public ImmutableArray<MemoryLimit> HostLimits => _host.Limits;

    /// <summary>The tightest limit on anonymous host memory, or null.</summary>
    public MemoryLimit? Host => _host.Binding;

    /// <summary>
    /// The bytes that may be reserved on the device. Null if it has no separate memory, or if only the computer limits it.
    /// </summary>
    public long? DeviceBytes { get; }

    /// <summary>The budget of a load. The device was opened with the limit of the user as its capacity.</summary>
    public static MemoryBudget For(LoadRequest request, IDevice device, Headroom headroom)
    {
        if (request.OtherRanksBytes > 0)
        {
            headroom = Headroom.Of(headroom.Limits.Select(limit => Keep(request.OtherRanksBytes, limit)));
        }
        if (request.HostMemoryLimit is long own)
        {
            Counted counts = device.IsUnified ? Counted.AnonymousAndShared : Counted.Anonymous;
            headroom = Headroom.Of(headroom.Limits.Append(new MemoryLimit(OwnLimit, counts, own, 0, 0,
                $"the limit given is {Printable.Bytes(own)}")));
        }
        long? deviceBytes = device.IsHost ? null : Smaller(device.FreeBytes, request.DeviceMemoryLimit);
        return new MemoryBudget(headroom, deviceBytes, device.ReservesSharedMemory);
    }

    /// <summary>The budget on a device without limits of the user.</summary>
    public static MemoryBudget For(IDevice device) =>
        new(Headroom.Now(), device.IsHost ? null : device.FreeBytes, device.ReservesSharedMemory);

    /// <summary>The memory that a plan takes from the limits that all processes of the host share.</summary>
    public long SharedNeed(PlanForecast forecast) => NeedOf(Counted.AnonymousAndShared, forecast);

    /// <summary>
    /// Compares a forecast with the budget. <paramref name="rehearse"/> runs the allocations of the plan with an allocator of the device
    /// capacity. It is called if only the reserved memory exceeds the capacity.
    /// </summary>
    /// <returns>The missing bytes of the limit with the most missing bytes. Null if the plan fits.</returns>
    public Shortfall? Check(PlanForecast forecast, Action<CachingAllocator> rehearse)
    {
        Shortfall? worst = null;
        foreach (MemoryLimit limit in HostLimits)
        {
            long need = NeedOf(limit.Counts, forecast);
            if (need > limit.BudgetBytes && need - limit.BudgetBytes > (worst?.MissingBytes ?? 0))
            {
                worst = new Shortfall(limit, need, limit.BudgetBytes);
            }
        }
        return worst ?? CheckDevice(forecast, rehearse);
    }

    /// <summary>
    /// Returns the mapped bytes that cannot stay resident within the budget in addition to the memory of the plan; 0 if all can.
    /// </summary>
    public long EvictedBytes(PlanForecast forecast)
    {
        MemoryLimit? limit = HostLimits.FirstOrDefault(limit => limit.Counts == Counted.AnonymousAndShared && limit.Name != OwnLimit);
        return limit is null ? 0
            : Math.Clamp(forecast.PeakHostFileBytes + NeedOf(limit.Counts, forecast) - limit.BudgetBytes, 0, forecast.PeakHostFileBytes);
    }

    // The kernel can reclaim pages of mapped files at any time, but not their page tables.
    private long NeedOf(Counted counts, PlanForecast forecast) => counts switch
    {
        Counted.Anonymous => forecast.PeakHostBytes,
        Counted.AnonymousAndShared => checked(
            (_deviceSharesHost ? forecast.PeakHostAndDeviceBytes : forecast.PeakHostBytes)
                + (forecast.PeakHostFileBytes / BytesPerPageTableByte)),
        _ => forecast.PeakAddressBytes,
    };

    private Shortfall? CheckDevice(PlanForecast forecast, Action<CachingAllocator> rehearse)
    {
        if (DeviceBytes is not long capacity || forecast.Device.PeakReserved <= capacity)
        {
            return null;
        }
        // Reserved memory can exceed allocated memory. The allocator releases its cache before it fails. The plan fits if it fits after
        // that.
        try
        {
            rehearse(new CachingAllocator(capacity));
            return null;
        }
        catch (MemLoadException e) when (e.Rule == Rules.DeviceMemoryExhausted)
        {
            return new Shortfall(null, forecast.Device.PeakReserved, capacity);
        }
    }

    // The other limits count the memory of one process.
    private static MemoryLimit Keep(long bytes, MemoryLimit limit) => limit.Counts != Counted.AnonymousAndShared ? limit
        : limit with
        {
            UsedBytes = checked(limit.UsedBytes + bytes),
            Why = $"{limit.Why}; {Printable.Bytes(bytes)} are kept for the other ranks",
        };

    private static long? Smaller(long? first, long? second) =>
        first is null ? second : second is null ? first : Math.Min(first.Value, second.Value);
}
