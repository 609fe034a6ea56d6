namespace MemLoad;

/// <summary>A load up to the point where it would touch memory: checkpoint opened, narrowed and matched, plan written, forecast added up.</summary>
public sealed class PreparedLoad : IDisposable
{
    private PreparedLoad(LoadRequest request, Checkpoint checkpoint, string? sizeName, IDevice device, LoadPlan plan)
    {
        Request = request;
        Checkpoint = checkpoint;
        SizeName = sizeName;
        Device = device;
        Plan = plan;
        Forecast = PlanForecast.Of(plan, device);
        Refusal = FindRefusal();
    }

    /// <summary>What was asked for.</summary>
    public LoadRequest Request { get; }

    /// <summary>The checkpoint, narrowed to what is loaded.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>The model size it is known by, if any.</summary>
    public string? SizeName { get; }

    /// <summary>The device, open.</summary>
    public IDevice Device { get; }

    /// <summary>The plan.</summary>
    public LoadPlan Plan { get; }

    /// <summary>Its forecast.</summary>
    public PlanForecast Forecast { get; }

    /// <summary>Why the load does not fit the limits of the request (ML7005, ML7006), or null if it does.</summary>
    public MemLoadException? Refusal { get; }

    /// <summary>Elements of all tensors, those of shared storages once.</summary>
    public long ParameterCount =>
        Checkpoint.Tensors.GroupBy(tensor => tensor.Storage).Sum(shared => Checkpoint.Storages[shared.Key].Length / shared.Max(tensor => tensor.DType.ElementSize()));

    /// <summary>Prepares a load.</summary>
    /// <exception cref="MemLoadException">The checkpoint, the device or the selection breaks a rule. A limit that is exceeded does not throw:
    /// see <see cref="Refusal"/>.</exception>
    public static PreparedLoad Prepare(LoadRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        Checkpoint whole = request.Path is null
            ? GeneratedCheckpoint.Describe(request.Size ?? throw Rules.SizeUnknown.Broken("neither a path nor a size was given"))
            : Checkpoint.Open(request.Path, cancellationToken);
        Checkpoint checkpoint = whole.Select(request.Key, request.Include, request.Exclude);
        if (request.Path is not null && request.Size is string size && !checkpoint.Tensors.IsEmpty)
        {
            StateDictMatch.Require(GptConfig.FromSize(size).ToSpec(checkpoint.Tensors[0].DType), checkpoint);
        }
        IDevice device = DeviceRegistry.Open(request.Device, request.DeviceMemoryLimit);
        try
        {
            if (device.IsHost && request.DeviceMemoryLimit is not null)
            {
                throw Rules.DeviceLimitOnHost.Broken($"the device '{device.Name}' uses the host's memory");
            }
            return new PreparedLoad(request, checkpoint, SizeOf(checkpoint), device, LoadPlan.Create(request.Strategy, checkpoint, device));
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>Loads, unless refused.</summary>
    /// <param name="beforeStep">Told of each step about to be done.</param>
    /// <param name="cancellationToken">Stops the load.</param>
    /// <exception cref="MemLoadException">The <see cref="Refusal"/>, or what <see cref="PlanRunner.Run"/> throws.</exception>
    public LoadedWeights Load(Action<PlanStep>? beforeStep = null, CancellationToken cancellationToken = default) =>
        Refusal is null ? PlanRunner.Run(Plan, Device, beforeStep, cancellationToken) : throw Refusal;

    /// <summary>The forecast as a row.</summary>
    public LoadForecast ToRow() => new()
    {
        Strategy = Request.Strategy.ToString(),
        Device = Device.Name,
        Path = Checkpoint.Path,
        Format = Checkpoint.Format.ToString(),
        Size = SizeName,
        TensorCount = Checkpoint.Tensors.Length,
        ParameterCount = ParameterCount,
        ModelBytes = Checkpoint.ModelBytes,
        LargestBytes = Checkpoint.LargestBytes,
        FileBytes = Checkpoint.FileBytes,
        ForecastDeviceBytes = Forecast.Device.PeakAllocated,
        ForecastDeviceReservedBytes = Forecast.Device.PeakReserved,
        ForecastHostBytes = Forecast.PeakHostBytes,
        ForecastHostFileBytes = Forecast.PeakHostFileBytes,
        Fits = Refusal is not null ? false : Request.HostMemoryLimit is null && Request.DeviceMemoryLimit is null ? null : true,
        HostName = HostFacts.HostName,
        Message = Refusal is null ? null : $"{Refusal.Rule.Id}: {Refusal.Message}",
    };

    /// <inheritdoc/>
    public void Dispose() => Device.Dispose();

    private static string? SizeOf(Checkpoint checkpoint)
    {
        try
        {
            return GptConfig.Infer(checkpoint.Tensors, heads: null).SizeName;
        }
        catch (MemLoadException)
        {
            return null; // some other model: a size name is a convenience, not a condition
        }
    }

    private MemLoadException? FindRefusal()
    {
        if (Request.HostMemoryLimit is long hostLimit && Forecast.PeakHostBytes > hostLimit)
        {
            return Rules.HostLimitExceeded.Broken(
                $"{Request.Strategy} needs {Forecast.PeakHostBytes} bytes of host memory, {Forecast.PeakHostBytes - hostLimit} more than the limit of {hostLimit}");
        }
        if (Device.IsHost || Device.CapacityBytes is not long capacity || Forecast.Device.PeakReserved <= capacity)
        {
            return null;
        }
        // More may be reserved than allocated; under pressure the allocator gives its cache back first. The plan fits if it fits then.
        try
        {
            foreach (PlanTotals _ in PlanForecast.Walk(Plan, new CachingAllocator(capacity)))
            {
            }
            return null;
        }
        catch (MemLoadException)
        {
            return Rules.DeviceLimitExceeded.Broken(
                $"{Request.Strategy} needs {Forecast.Device.PeakReserved} bytes of device memory, its allocator's rounding included; the limit is {capacity}");
        }
    }
}
