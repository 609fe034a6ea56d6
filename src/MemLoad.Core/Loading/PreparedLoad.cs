namespace MemLoad;

/// <summary>
/// A load before it touches memory. The checkpoint is opened, narrowed and matched. The plan is written or chosen. The forecast is added up
/// and compared with the budget.
/// </summary>
public sealed class PreparedLoad : IDisposable
{
    private readonly PlanCandidate _candidate;
    private readonly LoadSource _source;
    private readonly Lock _using = new();
    private LoadPlan? _plan;
    private bool _disposed;

    private PreparedLoad(LoadRequest request, LoadSource source, IDevice device, bool forecastOnly, CancellationToken cancellationToken)
    {
        Request = request;
        Device = device;
        _source = source;
        Budget = MemoryBudget.For(request, device, source.Headroom);
        PlanChooser chooser = source.ChooserFor(request, device, Budget, cancellationToken);
        if (request.Strategy == Strategy.Auto)
        {
            _candidate = chooser.Choose(out string why);
            Choice = why;
        }
        else
        {
            _candidate = forecastOnly ? chooser.Candidate(request.Strategy) : chooser.ToExecute(request.Strategy);
        }
        Refusal = _candidate.Strategy == Strategy.Mmap ? source.WhyNotMapped(request.MapGuard)?.Refusal : null;
        if (Refusal is null && _candidate.Shortfall is Shortfall lack && !(request.Force && lack.Limit is not null))
        {
            PlanCandidate nearest = request.Strategy == Strategy.Auto ? _candidate : chooser.Nearest(request.Strategy);
            Refusal = Refusals.Of(_candidate, nearest, device, Budget, request, nearest.Shortfall is not null && FitsMapped());
        }
    }

    /// <summary>The request.</summary>
    public LoadRequest Request { get; }

    /// <summary>The tensors to load, with their types in memory.</summary>
    public LoadView View => _source.View;

    /// <summary>The checkpoint, narrowed to the part that is loaded.</summary>
    public Checkpoint Checkpoint => _source.Checkpoint;

    /// <summary>The manifest that the weights must match; null if none was given.</summary>
    public WeightManifest? Manifest => _source.Manifest;

    /// <summary>The device, open.</summary>
    internal IDevice Device { get; }

    /// <summary>The memory that the load may use.</summary>
    internal MemoryBudget Budget { get; }

    /// <summary>The plan. For <see cref="Strategy.Auto"/> it is the chosen one.</summary>
    internal LoadPlan Plan => _plan ??= _candidate.Plan ?? LoadPlan.Create(_candidate.Strategy, View, Device, _candidate.RingLimit);

    /// <summary>The forecast of the plan.</summary>
    internal PlanForecast Forecast => _candidate.Forecast;

    /// <summary>
    /// Why the load is refused; null if it is allowed or forced. ML7005 and ML7006: it does not fit the budget. ML1012: it maps a file that
    /// is not guarded. ML1015: it maps more files than may be open. ML5114: it maps a tensor that is not in one piece.
    /// </summary>
    public MemLoadException? Refusal { get; }

    /// <summary>Host memory that is forecast for all ranks together, in bytes; null if this load is the only one.</summary>
    internal long? RanksHostBytes { get; private set; }

    /// <summary>Why <see cref="Strategy.Auto"/> chose this plan; null if a strategy was requested by name.</summary>
    public string? Choice { get; }

    /// <summary>Why the files that this plan maps may become shorter, for messages; null if they are guarded or none is mapped.</summary>
    public string? MapObstacle => _candidate.Strategy == Strategy.Mmap ? _source.MapObstacle : null;

    /// <summary>Prepares a load.</summary>
    /// <exception cref="MemLoadException">The checkpoint, the device or the selection breaks a rule. An exceeded limit does not throw: see
    /// <see cref="Refusal"/>.</exception>
    public static PreparedLoad Prepare(LoadRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        RemoteAddress.RefuseBytes(request.Path);
        if (request.Path is string path)
        {
            FullPath.RequireName(path);
        }
        var source = LoadSource.Open(request, cancellationToken);
        try
        {
            return Prepare(request, source, forecastOnly: false, cancellationToken);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Forecasts loads of one checkpoint, which is opened once. The requests differ only in strategy, device, rank and limits.
    /// </summary>
    /// <param name="requests">The requests. Ranks that load at the same time follow each other.</param>
    /// <param name="cancellationToken">Cancels the forecasts.</param>
    /// <returns>One prepared load per request. Dispose each before the next. Errors are thrown while they are enumerated.</returns>
    /// <exception cref="ArgumentException">The requests differ in more than that.</exception>
    /// <exception cref="MemLoadException">As <see cref="Prepare(LoadRequest, CancellationToken)"/>.</exception>
    public static IEnumerable<PreparedLoad> ForecastEach(IReadOnlyList<LoadRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Count == 0)
        {
            yield break;
        }
        LoadRequest.RequireSameTensors(requests);
        using var source = LoadSource.Open(requests[0], cancellationToken);
        var ranks = new Dictionary<int, LoadSource> { [requests[0].Rank] = source };
        foreach (IReadOnlyList<LoadRequest> turn in LoadRequest.InTurns(requests, request => request))
        {
            LoadSource[] sources =
            [
                .. turn.Select(request => ranks.TryGetValue(request.Rank, out LoadSource? known) ? known
                    : ranks[request.Rank] = source.ForRankOf(request)),
            ];
            (long[] others, long? sum) = turn.Count > 1 ? Kept(turn, sources, cancellationToken) : ([0], null);
            for (int i = 0; i < turn.Count; i++)
            {
                PreparedLoad prepared =
                    Prepare(turn[i] with { OtherRanksBytes = others[i] }, sources[i], forecastOnly: true, cancellationToken);
                prepared.RanksHostBytes = sum;
                yield return prepared;
            }
        }
    }

    // Computes the memory that each rank keeps for the others, and the sum of the forecasts. Auto divides the budget equally, because the
    // plan of a rank would otherwise depend on the plans of the others.
    private static (long[] Others, long? Sum) Kept(
        IReadOnlyList<LoadRequest> turn, LoadSource[] sources, CancellationToken cancellationToken)
    {
        long shared = (sources[0].Headroom.Binding?.BudgetBytes ?? 0) / turn.Count * (turn.Count - 1);
        long[] others = [.. turn.Select(request => request.Strategy == Strategy.Auto ? shared : 0)];
        long[] needs = new long[turn.Count];
        long sum = 0;
        for (int i = 0; i < turn.Count; i++)
        {
            using PreparedLoad alone =
                Prepare(turn[i] with { OtherRanksBytes = others[i] }, sources[i], forecastOnly: true, cancellationToken);
            needs[i] = alone.Budget.SharedNeed(alone.Forecast);
            sum = checked(sum + alone.Forecast.PeakHostBytes);
        }
        long all = WeightsDigest.Saturated(needs);
        return ([.. others.Select((kept, i) => turn[i].Strategy == Strategy.Auto ? kept : all - needs[i])], sum);
    }

    /// <summary>
    /// Returns the requests of all ranks, which load at the same time, with the memory that each keeps for the others.
    /// </summary>
    /// <exception cref="MemLoadException">As <see cref="Prepare(LoadRequest, CancellationToken)"/>.</exception>
    internal static IReadOnlyList<LoadRequest> Together(IReadOnlyList<LoadRequest> turn, CancellationToken cancellationToken)
    {
        var requests = new List<LoadRequest>();
        foreach (PreparedLoad prepared in ForecastEach(turn, cancellationToken))
        {
            using (prepared)
            {
                requests.Add(prepared.Request);
            }
        }
        return requests;
    }

    /// <summary>Executes the load, unless it is refused. Calls of several threads are executed one after the other.</summary>
    /// <param name="beforeStep">Called before the steps that are carried out together, with the index in the plan of the first of
    /// them.</param>
    /// <param name="cancellationToken">Cancels the load.</param>
    /// <exception cref="MemLoadException">The <see cref="Refusal"/>; ML1001 to ML1007: a file does not exist, has changed or cannot be
    /// read; ML7001 or ML7002: the memory of the host or the device is exhausted.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The prepared load is disposed.</exception>
    public LoadedWeights Load(Action<int>? beforeStep = null, CancellationToken cancellationToken = default)
    {
        lock (_using)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            using LoadSource source = _source; // no file is needed after this
            return Refusal is null
                ? PlanRunner.Run(Plan, Device, _source.Files, beforeStep, Request.MapGuard, cancellationToken)
                : throw Refusal;
        }
    }

    /// <summary>Returns the files of the checkpoint one after the other, open.</summary>
    internal IEnumerable<CheckpointFileReader> OpenedFiles() => _source.Opened();

    /// <summary>Compares the loaded weights with the manifest.</summary>
    /// <param name="hashes">One hash per loaded tensor, from <see cref="WeightsDigest.OfTensors"/>.</param>
    /// <returns>The difference (ML6111); null if there is none, or if there is no manifest.</returns>
    public MemLoadException? Difference(string[] hashes) =>
        Manifest is not null && ManifestMatch.Differing(Manifest, Checkpoint.Tensors, hashes) is { Length: > 0 } differing
            ? ManifestMatch.BytesDiffer(Checkpoint, differing)
            : null;

    /// <summary>Returns the forecast as a row.</summary>
    public LoadForecast ToRow() =>
        new()
        {
            Strategy = Request.Strategy.ToString(),
            ChosenStrategy = _candidate.Strategy.ToString(),
            Device = Device.Name,
            Path = Checkpoint.Path,
            Format = Checkpoint.Format.ToString(),
            Size = _source.SizeName,
            DType = Request.DType?.TorchName(),
            Rank = Request.RankCount > 1 ? Request.Rank : null,
            RankCount = Request.RankCount > 1 ? Request.RankCount : null,
            Split = Request.Split?.ToString(),
            TensorCount = Checkpoint.Tensors.Length,
            ParameterCount = Checkpoint.ParameterCount,
            ModelBytes = View.ModelBytes,
            LargestBytes = View.LargestBytes,
            FileBytes = Checkpoint.FileBytes,
            FileSystem = _source.FileSystem,
            OpaqueObjects = Checkpoint.OpaqueObjects,
            ForecastDeviceBytes = Forecast.Device.PeakAllocated,
            ForecastDeviceReservedBytes = Forecast.Device.PeakReserved,
            ForecastHostBytes = Forecast.PeakHostBytes,
            ForecastHostFileBytes = Forecast.PeakHostFileBytes,
            RanksForecastHostBytes = RanksHostBytes,
            MissingBytes = _candidate.Shortfall?.MissingBytes ?? 0,
            ForecastMicroseconds = _candidate.Microseconds,
            RingBytes = _candidate.RingBytes,
            HostBudgetBytes = Budget.Host?.BudgetBytes,
            HostLimit = Budget.Host?.Name,
            DeviceBudgetBytes = Budget.DeviceBytes,
            Fits = Budget.Host is null && Budget.DeviceBytes is null ? null : _candidate.Shortfall is null,
            KvCacheBytes = _source.Cache?.Bytes,
            KvCacheFormula = _source.Cache?.Formula,
            FitsWithKvCache = FitsWithCache(),
            Note = Note(),
            HostName = HostFacts.HostName,
            Message = Refusal is null ? null : $"{Refusal.Rule.Id}: {Refusal.Message}",
        };

    /// <summary>Closes the files and the device. If another thread is loading, this method waits for the end of that load.</summary>
    public void Dispose()
    {
        lock (_using)
        {
            _disposed = true;
            _source.Dispose();
            Device.Dispose();
        }
    }

    private static PreparedLoad Prepare(LoadRequest request, LoadSource source, bool forecastOnly, CancellationToken cancellationToken)
    {
        IDevice device = DeviceRegistry.Open(request.Device, request.DeviceMemoryLimit);
        try
        {
            if (device.IsHost && request.DeviceMemoryLimit is not null)
            {
                throw Rules.DeviceLimitOnHost.Broken($"the device '{device.Name}' uses the host's memory");
            }
            if (!forecastOnly)
            {
                device.Start();
            }
            return new PreparedLoad(request, source, device, forecastOnly, cancellationToken);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    // The last suggestion: map the file on the host, which takes no memory that the kernel cannot reclaim.
    private bool FitsMapped()
    {
        if (Device.IsHost || _source.WhyNotMapped(Request.MapGuard) is not null)
        {
            return false;
        }
        using var host = new HostDevice();
        var budget = MemoryBudget.For(Request with { DeviceMemoryLimit = null }, host, _source.Headroom);
        return new PlanChooser(View, host, budget, null, new Lazy<double>(1)).Candidate(Strategy.Mmap).Shortfall is null;
    }

    // When a load is done, its staging memory and copies are free again. The allocator uses them for the cache.
    private bool? FitsWithCache() =>
        _source.Cache is not KvCache cache || Budget.DeviceBytes is not long device || Request.RankCount > 1 ? null
        : Forecast.Device.PeakAllocated <= device && (Int128)Forecast.Device.Allocated + cache.Bytes <= device;

    // Mapped pages never fail a load, but the row has a note if memory is short.
    private string? Note()
    {
        long evicted = Budget.EvictedBytes(Forecast);
        string? pressure = evicted == 0 ? null
            : $"{Printable.Bytes(evicted)} of {Printable.Bytes(Forecast.PeakHostFileBytes)} mapped pages do not fit in memory: "
                + "the kernel evicts them and reads them again when they are used";
        string? remote = _candidate.Strategy == Strategy.Mmap && FileSystems.IsRemote(_source.FileSystem)
            ? $"the file is on {_source.FileSystem}: mapped pages are read over the network one by one, and Stream reads ahead" : null;
        string? forced = Request.Force && _candidate.Shortfall is Shortfall lack
            ? $"forced: {Printable.Bytes(lack.MissingBytes)} short" : null;
        return string.Join("; ", new[] { Choice, pressure, remote, forced }.OfType<string>()) is { Length: > 0 } note ? note : null;
    }
}
