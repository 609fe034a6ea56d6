namespace MemLoad;

/// <summary>
/// A load up to the point where it would touch memory: checkpoint opened, narrowed and matched, plan written or chosen, forecast added up and
/// held against the budget.
/// </summary>
public sealed class PreparedLoad : IDisposable
{
    private readonly PlanCandidate _candidate;
    private readonly double _cachedShare;

    private PreparedLoad(LoadRequest request, Checkpoint checkpoint, IDevice device, Headroom headroom, CancellationToken cancellationToken)
    {
        Request = request;
        Checkpoint = checkpoint;
        Device = device;
        Budget = MemoryBudget.For(request, device, headroom);
        _cachedShare = CachedShare(request, checkpoint);
        var chooser = new PlanChooser(checkpoint, device, Budget);
        if (request.Strategy == Strategy.Auto)
        {
            _candidate = chooser.Choose(MachineSpeed.Ensure(device.Name, Budget.Host?.BudgetBytes, cancellationToken), _cachedShare, out string why);
            Choice = why;
        }
        else
        {
            _candidate = PlanCandidate.Of(request.Strategy, checkpoint, device, Budget);
        }
        if (_candidate.Shortfall is not null && !(request.Force && _candidate.Shortfall.Value.Limit is not null))
        {
            PlanCandidate nearest = request.Strategy == Strategy.Auto ? _candidate : chooser.Nearest(request.Strategy);
            Refusal = Refusals.Of(request.Strategy, _candidate, nearest, device, nearest.Shortfall is not null && FitsMapped(headroom));
        }
    }

    /// <summary>What was asked for.</summary>
    public LoadRequest Request { get; }

    /// <summary>The checkpoint, narrowed to what is loaded.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>The device, open.</summary>
    public IDevice Device { get; }

    /// <summary>What the load may take.</summary>
    public MemoryBudget Budget { get; }

    /// <summary>The plan; where <see cref="Strategy.Auto"/> was asked for, the one it chose.</summary>
    public LoadPlan Plan => _candidate.Plan;

    /// <summary>Its forecast.</summary>
    public PlanForecast Forecast => _candidate.Forecast;

    /// <summary>Why the load does not fit the budget (ML7005, ML7006), or null if it does or was forced.</summary>
    public MemLoadException? Refusal { get; }

    /// <summary>Why <see cref="Strategy.Auto"/> chose this plan; null where a strategy was asked for by name.</summary>
    public string? Choice { get; }

    /// <summary>Prepares a load.</summary>
    /// <exception cref="MemLoadException">The checkpoint, the device or the selection breaks a rule. A limit that is exceeded does not throw:
    /// see <see cref="Refusal"/>.</exception>
    public static PreparedLoad Prepare(LoadRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Prepare(request, OpenCheckpoint(request, cancellationToken), Headroom.Now(), cancellationToken);
    }

    /// <summary>Prepares loads of one checkpoint, opening it once: requests that differ in how and where to load only.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>A prepared load for each; dispose each before the next.</returns>
    /// <exception cref="MemLoadException">As <see cref="Prepare(LoadRequest, CancellationToken)"/>.</exception>
    public static IEnumerable<PreparedLoad> PrepareEach(IReadOnlyList<LoadRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Count == 0)
        {
            yield break;
        }
        Checkpoint checkpoint = OpenCheckpoint(requests[0], cancellationToken);
        var headroom = Headroom.Now();
        foreach (LoadRequest request in requests)
        {
            yield return Prepare(request, checkpoint, headroom, cancellationToken);
        }
    }

    /// <summary>Loads, unless refused.</summary>
    /// <param name="beforeStep">Told of each step about to be done.</param>
    /// <param name="cancellationToken">Stops the load.</param>
    /// <exception cref="MemLoadException">The <see cref="Refusal"/>, or what <see cref="PlanRunner.Run"/> throws.</exception>
    public LoadedWeights Load(Action<PlanStep>? beforeStep = null, CancellationToken cancellationToken = default) =>
        Refusal is null ? PlanRunner.Run(Plan, Device, beforeStep, cancellationToken) : throw Refusal;

    /// <summary>The forecast as a row.</summary>
    public LoadForecast ToRow()
    {
        MachineSpeed? speed = MachineSpeed.Known(Device.Name);
        return new LoadForecast
        {
            Strategy = Request.Strategy.ToString(),
            ChosenStrategy = Plan.Strategy.ToString(),
            Device = Device.Name,
            Path = Checkpoint.Path,
            Format = Checkpoint.Format.ToString(),
            Size = SizeOf(Checkpoint),
            TensorCount = Checkpoint.Tensors.Length,
            ParameterCount = Checkpoint.ParameterCount,
            ModelBytes = Checkpoint.ModelBytes,
            LargestBytes = Checkpoint.LargestBytes,
            FileBytes = Checkpoint.FileBytes,
            ForecastDeviceBytes = Forecast.Device.PeakAllocated,
            ForecastDeviceReservedBytes = Forecast.Device.PeakReserved,
            ForecastHostBytes = Forecast.PeakHostBytes,
            ForecastHostFileBytes = Forecast.PeakHostFileBytes,
            ForecastMicroseconds = speed is null ? null : PlanCost.Of(Plan, speed, _cachedShare),
            RingBytes = Plan.RingBytes,
            HostBudgetBytes = Budget.Host?.BudgetBytes,
            HostLimit = Budget.Host?.Name,
            DeviceBudgetBytes = Budget.DeviceBytes,
            Fits = Budget.Host is null && Budget.DeviceBytes is null ? null : _candidate.Shortfall is null,
            Note = Note(),
            HostName = HostFacts.HostName,
            Message = Refusal is null ? null : $"{Refusal.Rule.Id}: {Refusal.Message}",
        };
    }

    /// <inheritdoc/>
    public void Dispose() => Device.Dispose();

    private static PreparedLoad Prepare(LoadRequest request, Checkpoint checkpoint, Headroom headroom, CancellationToken cancellationToken)
    {
        IDevice device = DeviceRegistry.Open(request.Device, request.DeviceMemoryLimit);
        try
        {
            if (device.IsHost && request.DeviceMemoryLimit is not null)
            {
                throw Rules.DeviceLimitOnHost.Broken($"the device '{device.Name}' uses the host's memory");
            }
            return new PreparedLoad(request, checkpoint, device, headroom, cancellationToken);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    private static Checkpoint OpenCheckpoint(LoadRequest request, CancellationToken cancellationToken)
    {
        Checkpoint whole = request.Path is null
            ? GeneratedCheckpoint.Describe(request.Size ?? throw Rules.SizeUnknown.Broken("neither a path nor a size was given"))
            : Checkpoint.Open(request.Path, cancellationToken);
        Checkpoint checkpoint = whole.Select(request.Key, request.Include, request.Exclude);
        if (request.Path is not null && request.Size is string size && !checkpoint.Tensors.IsEmpty)
        {
            StateDictMatch.Require(GptConfig.FromSize(size).ToSpec(checkpoint.Tensors[0].DType), checkpoint);
        }
        return checkpoint.Share(request.Rank, request.RankCount);
    }

    // A checkpoint that is only described has no file yet; once written it will be in the page cache.
    private static double CachedShare(LoadRequest request, Checkpoint checkpoint) =>
        request.Path is null || checkpoint.FileBytes == 0 || PageCache.CachedBytes(checkpoint.Files.Select(file => file.Path)) is not long cached
            ? 1
            : Math.Min(1, (double)cached / checkpoint.FileBytes);

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

    // The last resort: the file mapped where it is, on the host. It takes no memory that the kernel cannot take back.
    private bool FitsMapped(Headroom headroom)
    {
        if (Device.IsHost)
        {
            return false;
        }
        using IDevice host = new HostDevice();
        return PlanCandidate.Of(Strategy.Mmap, Checkpoint, host, MemoryBudget.For(Request with { DeviceMemoryLimit = null }, host, headroom)).Shortfall is null;
    }

    // Mapped pages never fail a load, but there is something to know about them where memory is short.
    private string? Note()
    {
        long evicted = Budget.EvictedBytes(Forecast);
        string? pressure = evicted == 0
            ? null
            : $"{Printable.Bytes(evicted)} of {Printable.Bytes(Forecast.PeakHostFileBytes)} mapped pages do not fit beside the rest: the kernel gives them up and reads them again when they are used";
        string? forced = Request.Force && _candidate.Shortfall is Shortfall lack ? $"forced: {Printable.Bytes(lack.MissingBytes)} short" : null;
        return string.Join("; ", new[] { Choice, pressure, forced }.OfType<string>()) is { Length: > 0 } note ? note : null;
    }
}
