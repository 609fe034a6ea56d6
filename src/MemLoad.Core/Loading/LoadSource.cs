namespace MemLoad;

/// <summary>What requests for the same tensors, cast alike, have in common: the open checkpoint, the headroom, and what was found of both.</summary>
/// <remarks>The files stay open between the reading of their headers and the end of the load.</remarks>
internal sealed class LoadSource : IDisposable
{
    private readonly Lazy<string?> _sizeName;
    private readonly Lazy<double> _cachedShare;
    private readonly Lazy<string?> _mapObstacle;
    private readonly Lazy<string?> _fileShortage;
    private (string Device, long? HostLimit, long? DeviceLimit, PlanChooser Chooser)? _latest;

    private LoadSource(LoadRequest request, LoadView view, CheckpointFileSet files, WeightManifest? manifest)
    {
        View = view;
        Files = files;
        Manifest = manifest;
        Headroom = Headroom.Now();
        _sizeName = new Lazy<string?>(FindSizeName);
        _cachedShare = new Lazy<double>(() => FindCachedShare(request));
        _fileShortage = new Lazy<string?>(() => OpenFiles.Available + Files.Count is int most && most < Checkpoint.Files.Length
            ? FormattableString.Invariant($"it is {Checkpoint.Files.Length} files, and this process may open {most} more") : null);
        _mapObstacle = new Lazy<string?>(() => request.Path is null ? null : Opened().Select(MappingSafety.Obstacle).FirstOrDefault(found => found is not null));
    }

    /// <summary>What is loaded, and as what.</summary>
    public LoadView View { get; }

    /// <summary>The checkpoint, narrowed to what is loaded.</summary>
    public Checkpoint Checkpoint => View.Checkpoint;

    /// <summary>Its files; those that are needed are open.</summary>
    public CheckpointFileSet Files { get; }

    /// <summary>What the weights in memory must agree with, narrowed as the checkpoint is; null where nothing was given.</summary>
    public WeightManifest? Manifest { get; }

    /// <summary>What the system leaves.</summary>
    public Headroom Headroom { get; }

    /// <summary>The model size that the checkpoint is known by, if any.</summary>
    public string? SizeName => _sizeName.Value;

    /// <summary>Why the files cannot be mapped without fear that they become shorter meanwhile, for people; null if they can.</summary>
    public string? MapObstacle => _mapObstacle.Value;

    /// <summary>Why the files cannot all be open at once, as mapping them needs, for people; null if they can.</summary>
    public string? FileShortage => _fileShortage.Value;

    /// <summary>Opens, narrows and matches what a request names.</summary>
    /// <exception cref="MemLoadException">The checkpoint, the selection or the manifest breaks a rule.</exception>
    public static LoadSource Open(LoadRequest request, CancellationToken cancellationToken)
    {
        var files = new CheckpointFileSet();
        try
        {
            return Open(request, files, cancellationToken);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Closes the files. They are opened again if they are needed again.</summary>
    public void Dispose() => Files.Dispose();

    private static LoadSource Open(LoadRequest request, CheckpointFileSet files, CancellationToken cancellationToken)
    {
        Checkpoint whole = request.Path is null
            ? GeneratedCheckpoint.Describe(request.Size ?? throw Rules.SizeUnknown.Broken("neither a path nor a size was given"))
            : OpenSettled(request.Path, files, cancellationToken);
        Checkpoint checkpoint = whole.Select(request.Key, request.Include, request.Exclude);
        if (request.Path is not null && request.Size is string size && !checkpoint.Tensors.IsEmpty)
        {
            var cast = LoadView.Of(checkpoint, request.DType);
            StateDictMatch.Require(GptConfig.FromSize(size).ToSpec(cast.Tensors[0].DType), cast);
        }
        WeightManifest? manifest = request.Manifest is string file
            ? WeightManifest.Read(file, cancellationToken).Select(request.Key, request.Include, request.Exclude)
            : null;
        if (manifest is not null)
        {
            // All ranks' tensors: what is missing from one rank's part may be another's.
            ManifestMatch.RequireTensors(manifest, LoadView.Of(checkpoint, request.DType));
        }
        return new LoadSource(request, LoadView.Of(checkpoint.Share(request.Rank, request.RankCount), request.DType), files, manifest);
    }

    /// <summary>The plans for a request; those for the same device and limits are added up once.</summary>
    /// <exception cref="MemLoadException">For <see cref="Strategy.Auto"/>: this machine's speed could not be measured.</exception>
    public PlanChooser ChooserFor(LoadRequest request, IDevice device, MemoryBudget budget, CancellationToken cancellationToken)
    {
        if (_latest is { } latest && (latest.Chooser.CanChoose || request.Strategy != Strategy.Auto)
            && (latest.Device, latest.HostLimit, latest.DeviceLimit) == (device.Name, request.HostMemoryLimit, request.DeviceMemoryLimit))
        {
            return latest.Chooser;
        }
        MachineSpeed? speed = request.Strategy == Strategy.Auto
            ? MachineSpeed.Ensure(device.Name, budget.Host?.BudgetBytes, cancellationToken)
            : MachineSpeed.Known(device.Name);
        var chooser = new PlanChooser(View, device, budget, speed, _cachedShare, FileShortage ?? (request.MapGuard == MapGuard.Required ? MapObstacle : null));
        _latest = (device.Name, request.HostMemoryLimit, request.DeviceMemoryLimit, chooser);
        return chooser;
    }

    // What is loaded later must be what the headers were read from. A file that was written to this very moment could be written to again without its
    // time telling: the clock of file systems ticks slowly.
    private static Checkpoint OpenSettled(string path, CheckpointFileSet files, CancellationToken cancellationToken)
    {
        var limits = OpenLimits.FromEnvironment();
        var checkpoint = Checkpoint.Open(path, limits, files, cancellationToken);
        if (!checkpoint.Files.Any(file => file.Stamp is { IsFresh: true }))
        {
            return checkpoint;
        }
        files.Dispose();
        cancellationToken.WaitHandle.WaitOne(FileStamp.Settling);
        return Checkpoint.Open(path, limits, files, cancellationToken);
    }

    /// <summary>The files, one after the other, open.</summary>
    public IEnumerable<CheckpointFileReader> Opened() => Checkpoint.Files.Select(file => Files[file]);

    private string? FindSizeName()
    {
        try
        {
            return GptConfig.Infer(Checkpoint.Tensors, heads: null).SizeName;
        }
        catch (MemLoadException)
        {
            return null; // some other model: a size name is a convenience, not a condition
        }
    }

    // A checkpoint that is only described has no file yet; once written it will be in the page cache.
    private double FindCachedShare(LoadRequest request) =>
        request.Path is null || Checkpoint.FileBytes == 0 || PageCache.CachedBytes(Opened()) is not long cached
            ? 1
            : Math.Min(1, (double)cached / Checkpoint.FileBytes);
}
