namespace MemLoad;

/// <summary>Rules on devices and memory (ML7xxx).</summary>
internal static partial class Rules
{
    public static Rule HostMemoryExhausted => field ??= new("ML7001", "the host has enough memory",
        $"Choose a strategy with a lower host peak, such as Stream or Mmap ({Setting.Strategy}). {Act.Plan} shows what each strategy "
            + $"needs.");
    public static Rule DeviceMemoryExhausted => field ??= new("ML7002", "the device has enough memory",
        $"Choose a strategy that keeps the model in memory once, such as Stream ({Setting.Strategy}), a larger limit "
            + $"({Setting.DeviceMemoryLimit}), or another device.");

    // Device names are 'cpu', 'sim', 'sim:unified', 'cuda:N', 'torch:cpu' and 'torch:cuda:N'.
    public static Rule DeviceUnknown => field ??= new("ML7003", "the device name is known",
        $"Devices are cpu, sim, sim:unified, cuda:0, cuda:1 …, torch:cpu and torch:cuda:0 …; {Act.Runtime} lists them.");
    public static Rule DeviceAbsent =>
        field ??= new("ML7004", "the device is available", $"Use cpu or sim; {Act.Runtime} lists what is available and what is missing.");
    public static Rule HostLimitExceeded => field ??= new("ML7005", "the forecast fits the host memory budget",
        $"Choose a strategy that needs less, raise the limit, or load anyway ({Setting.Force}); {Act.Plan} shows what each strategy "
            + $"needs.");
    public static Rule DeviceLimitExceeded => field ??= new("ML7006", "the forecast fits the device memory budget",
        $"Choose a strategy or a device that fits. {Act.Plan} shows what each strategy needs. The limit of a device cannot be overridden.");
    public static Rule DeviceLimitOnHost => field ??= new("ML7007", "the device that the limit is for has its own memory",
        $"Limit host memory instead ({Setting.HostMemoryLimit}), or choose another device.");
    public static Rule DeviceFailed => field ??= new("ML7008", "the driver of the device reports no error",
        "Start a new process, because a card that failed once refuses every later call of the process. Check the system log for "
            + "messages of the driver (Xid), or load to cpu.");
    public static Rule RanksApart => field ??= new("ML7009", "each rank that loads at the same time has its own device and process",
        $"Name one device per rank ({Setting.Device}), or the one rank that loads ({Setting.Rank}).");
}
