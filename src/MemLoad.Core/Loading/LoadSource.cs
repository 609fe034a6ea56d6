namespace MemLoad;

/// <summary>What requests for the same tensors, cast alike, have in common: the open checkpoint, the headroom, and what was found of both.</summary>
internal sealed class LoadSource
{
    private readonly Lazy<string?> _sizeName;
    private readonly Lazy<double> _cachedShare;
    private readonly Lazy<string?> _mapObstacle;
    private readonly Lazy<string?> _fileShortage;
    private (string Device, long? HostLimit, long? DeviceLimit, PlanChooser Chooser)? _latest;

    private LoadSource(LoadRequest request, Checkpoint checkpoint, WeightManifest? manifest)
    {
        Checkpoint = checkpoint;
        Manifest = manifest;
        Headroom = Headroom.Now();
        _sizeName = new Lazy<string?>(FindSizeName);
        _cachedShare = new Lazy<double>(() => FindCachedShare(request));
        _fileShortage = new Lazy<string?>(() => OpenFiles.Available is int most && most < Checkpoint.Files.Length
            ? FormattableString.Invariant($"it is {Checkpoint.Files.Length} files, and this process may open {most} more") : null);
        _mapObstacle = new Lazy<string?>(() => request.Path is null ? null : Checkpoint.Files.Select(file => MappingSafety.Obstacle(file.Path)).FirstOrDefault(found => found is not null));
    }

    /// <summary>The checkpoint, narrowed to what is loaded.</summary>
    public Checkpoint Checkpoint { get; }

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
        Checkpoint whole = request.Path is null
            ? GeneratedCheckpoint.Describe(request.Size ?? throw Rules.SizeUnknown.Broken("neither a path nor a size was given"))
            : OpenSettled(request.Path, cancellationToken);
        Checkpoint checkpoint = whole.Select(request.Key, request.Include, request.Exclude);
        if (request.Path is not null && request.Size is string size && !checkpoint.Tensors.IsEmpty)
        {
            Checkpoint cast = checkpoint.CastTo(request.DType);
            StateDictMatch.Require(GptConfig.FromSize(size).ToSpec(cast.Target.Tensors[0].DType), cast);
        }
        WeightManifest? manifest = request.Manifest is string file
            ? WeightManifest.Read(file, cancellationToken).Select(request.Key, request.Include, request.Exclude)
            : null;
        if (manifest is not null)
        {
            // All ranks' tensors: what is missing from one rank's part may be another's.
            ManifestMatch.RequireTensors(manifest, checkpoint.CastTo(request.DType));
        }
        return new LoadSource(request, checkpoint.Share(request.Rank, request.RankCount).CastTo(request.DType), manifest);
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
        var chooser = new PlanChooser(Checkpoint, device, budget, speed, _cachedShare, FileShortage ?? (request.MapGuard == MapGuard.Required ? MapObstacle : null));
        _latest = (device.Name, request.HostMemoryLimit, request.DeviceMemoryLimit, chooser);
        return chooser;
    }

    // What is loaded later must be what the headers were read from. A file that was written to this very moment could be written to again without its
    // time telling: the clock of file systems ticks slowly.
    private static Checkpoint OpenSettled(string path, CancellationToken cancellationToken)
    {
        var checkpoint = Checkpoint.Open(path, cancellationToken);
        if (!checkpoint.Files.Any(file => file.Stamp is { IsFresh: true }))
        {
            return checkpoint;
        }
        cancellationToken.WaitHandle.WaitOne(FileStamp.Settling);
        return Checkpoint.Open(path, cancellationToken);
    }

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
        request.Path is null || Checkpoint.FileBytes == 0 || PageCache.CachedBytes(Checkpoint.Files.Select(file => file.Path)) is not long cached
            ? 1
            : Math.Min(1, (double)cached / Checkpoint.FileBytes);
}
