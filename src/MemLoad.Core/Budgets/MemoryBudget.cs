using System.Collections.Immutable;

namespace MemLoad;

/// <summary>By how much a plan exceeds a budget.</summary>
/// <param name="Limit">The host limit that it exceeds most; null if it is the device's capacity.</param>
/// <param name="NeedBytes">What the plan needs of it.</param>
/// <param name="BudgetBytes">What there is.</param>
public readonly record struct Shortfall(MemoryLimit? Limit, long NeedBytes, long BudgetBytes)
{
    /// <summary>Bytes that are missing.</summary>
    public long MissingBytes => NeedBytes - BudgetBytes;
}

/// <summary>
/// What a load may take: of the host the headroom less its reserves, and no more than the user allows; of the device what is free there. A plan
/// is held against it before a byte is touched.
/// </summary>
public sealed class MemoryBudget
{
    /// <summary>The name of the limit that the user set, in rows.</summary>
    internal const string OwnLimit = "the limit given";

    // A table entry of 8 bytes for each page of 4 KiB that is mapped and touched.
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

    /// <summary>The limit that binds anonymous host memory, or null where there is none.</summary>
    public MemoryLimit? Host => _host.Binding;

    /// <summary>What may be reserved on the device; null where it has no memory of its own, or nothing but the machine limits it.</summary>
    public long? DeviceBytes { get; }

    /// <summary>The budget of a load.</summary>
    /// <param name="request">The user's own limits.</param>
    /// <param name="device">The device, opened with the user's limit as its capacity.</param>
    /// <param name="headroom">What the system leaves.</param>
    public static MemoryBudget For(LoadRequest request, IDevice device, Headroom headroom)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(headroom);
        if (request.HostMemoryLimit is long own)
        {
            headroom = Headroom.Of(headroom.Limits.Append(new MemoryLimit(OwnLimit, Counted.Anonymous, own, 0, 0, $"the limit given is {Printable.Bytes(own)}")));
        }
        long? deviceBytes = device.IsHost ? null : Smaller(device.FreeBytes, request.DeviceMemoryLimit);
        return new MemoryBudget(headroom, deviceBytes, device.ReservesSharedMemory);
    }

    /// <summary>Holds a plan against the budget.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="forecast">Its forecast.</param>
    /// <returns>What is missing, of the limit where most is; null if the plan fits.</returns>
    public Shortfall? Check(LoadPlan plan, PlanForecast forecast) =>
        Check(forecast, allocator =>
        {
            using var tally = new PlanTally(plan.Checkpoint, allocator);
            plan.ReadBy(tally);
        });

    /// <summary>Holds a forecast against the budget.</summary>
    /// <param name="forecast">The forecast.</param>
    /// <param name="rehearse">Lets the plan allocate from an allocator of the device's capacity; asked for where reserved memory alone exceeds it.</param>
    /// <returns>What is missing, of the limit where most is; null if the plan fits.</returns>
    internal Shortfall? Check(PlanForecast forecast, Action<CachingAllocator> rehearse)
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

    /// <summary>Mapped bytes that cannot all stay resident within the budget beside what the plan holds; 0 if they can.</summary>
    public long EvictedBytes(PlanForecast forecast)
    {
        ArgumentNullException.ThrowIfNull(forecast);
        MemoryLimit? limit = HostLimits.FirstOrDefault(limit => limit.Counts == Counted.AnonymousAndShared);
        return limit is null ? 0 : Math.Clamp(forecast.PeakHostFileBytes + NeedOf(limit.Counts, forecast) - limit.BudgetBytes, 0, forecast.PeakHostFileBytes);
    }

    // Pages of mapped files can be given back at any time; the tables that map them cannot.
    private long NeedOf(Counted counts, PlanForecast forecast) => counts switch
    {
        Counted.Anonymous => forecast.PeakHostBytes,
        Counted.AnonymousAndShared => checked(
            (_deviceSharesHost ? forecast.PeakHostAndDeviceBytes : forecast.PeakHostBytes) + (forecast.PeakHostFileBytes / BytesPerPageTableByte)),
        Counted.AddressSpace => forecast.PeakAddressBytes,
        // No device here pins its staging ring.
        _ => 0,
    };

    private Shortfall? CheckDevice(PlanForecast forecast, Action<CachingAllocator> rehearse)
    {
        if (DeviceBytes is not long capacity || forecast.Device.PeakReserved <= capacity)
        {
            return null;
        }
        // More may be reserved than allocated; under pressure the allocator gives its cache back first. The plan fits if it fits then.
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

    private static long? Smaller(long? first, long? second) => first is null ? second : second is null ? first : Math.Min(first.Value, second.Value);
}
