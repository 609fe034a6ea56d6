namespace MemLoad;

/// <summary>
/// The common part of requests for the same tensors and cast: the open checkpoint, the headroom, and the facts about both.
/// </summary>
/// <remarks>The files stay open from the reading of their headers to the end of the load.</remarks>
internal sealed class LoadSource : IDisposable
{
    private readonly Checkpoint _allRanks;
    private readonly LoadRequest _request;
    private readonly Lazy<string?> _sizeName;
    private readonly Lazy<double> _cachedShare;
    private readonly Lazy<string?> _mapObstacle;
    private readonly Lazy<MapRefusal?> _mapRefusal;
    private readonly Lazy<string?> _fileSystem;
    private (string Device, long? HostLimit, long? DeviceLimit, long OtherRanks, PlanChooser Chooser)? _latest;

    private LoadSource(LoadRequest request, Checkpoint allRanks, CheckpointFileSet files, WeightManifest? manifest, KvCache? cache)
    {
        Cache = cache;
        _request = request;
        _allRanks = allRanks;
        View = LoadView.Of(PartOf(allRanks, request), request.DType);
        Files = files;
        Manifest = manifest;
        Headroom = Headroom.Now();
        _sizeName = new Lazy<string?>(FindSizeName);
        _cachedShare = new Lazy<double>(FindCachedShare);
        _mapRefusal = new Lazy<MapRefusal?>(FindMapRefusal);
        _fileSystem = new Lazy<string?>(() =>
            HasFiles && Checkpoint.Files is [CheckpointFile first, ..] ? FileSystems.NameOf(first.Path) : null);
        _mapObstacle = new Lazy<string?>(() =>
            HasFiles ? Opened().Select(MappingSafety.Obstacle).FirstOrDefault(found => found is not null) : null);
    }

    /// <summary>The tensors to load, with their types in memory.</summary>
    public LoadView View { get; }

    /// <summary>The checkpoint, narrowed to the part that is loaded.</summary>
    public Checkpoint Checkpoint => View.Checkpoint;

    /// <summary>Its files. Those that are needed are open.</summary>
    public CheckpointFileSet Files { get; }

    /// <summary>The manifest that the loaded weights must match, narrowed like the checkpoint; null if none was given.</summary>
    public WeightManifest? Manifest { get; }

    /// <summary>The KV cache that serving needs in addition to the weights; null if it was not requested.</summary>
    public KvCache? Cache { get; }

    /// <summary>The host memory that is available.</summary>
    public Headroom Headroom { get; }

    /// <summary>The type of the file system of the first file; null if it is not known or there is no file yet.</summary>
    public string? FileSystem => _fileSystem.Value;

    /// <summary>The name of the known model size; null for other models.</summary>
    public string? SizeName => _sizeName.Value;

    /// <summary>Why the files may become shorter while they are mapped, for messages; null if they are guarded.</summary>
    public string? MapObstacle => _mapObstacle.Value;

    /// <summary>Opens the checkpoint of a request, narrows it, and matches it with the model and the manifest.</summary>
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

    /// <summary>Closes the files. They are opened again when they are needed again.</summary>
    public void Dispose() => Files.Dispose();

    private static Checkpoint PartOf(Checkpoint allRanks, LoadRequest request) => request.Split is TensorSplit split
        ? allRanks.Slice(request.Rank, request.RankCount, split)
        : allRanks.Share(request.Rank, request.RankCount);

    private static LoadSource Open(LoadRequest request, CheckpointFileSet files, CancellationToken cancellationToken)
    {
        if (request.Split is TensorSplit split && request.RankCount <= 1)
        {
            throw Rules.SplitWithoutRanks.Broken($"{split} were requested, and the checkpoint is not split among ranks");
        }
        if (request is { Split: not null, Manifest: string compared })
        {
            throw Rules.SliceUnverifiable.Broken(
                "each rank loads a slice of each tensor, and a manifest has the hash of whole tensors", compared);
        }
        Checkpoint whole = request.Path is null
            ? GeneratedCheckpoint.Describe(request.Size ?? throw Rules.SizeUnknown.Broken("neither a path nor a size was given"))
            : OpenSettled(request.Path, request.AllowOpaque, files, cancellationToken);
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
            // The tensors of all ranks: a tensor that is missing from the part of one rank may be in the part of another.
            ManifestMatch.RequireTensors(manifest, LoadView.Of(checkpoint, request.DType));
        }
        return new LoadSource(request, checkpoint, files, manifest, KvCache.Of(request, whole, cancellationToken));
    }

    /// <summary>Returns why a load must not map the files; null if it may.</summary>
    public MapRefusal? WhyNotMapped(MapGuard guard) =>
        _mapRefusal.Value
        ?? (guard == MapGuard.Required && MapObstacle is string obstacle
            ? new MapRefusal(obstacle, MappedFile.Unguarded(Checkpoint.Path, obstacle)) : null);

    /// <summary>Returns the part of the rank of a request, of the same checkpoint with the same files.</summary>
    /// <exception cref="MemLoadException">ML6009, ML6006: the rank does not exist, or its part is empty.</exception>
    public LoadSource ForRankOf(LoadRequest request) =>
        request.Rank == _request.Rank ? this : new LoadSource(request, _allRanks, Files, Manifest, Cache);

    /// <summary>Returns the plans for a request. Plans for the same device and limits are added up once.</summary>
    /// <exception cref="MemLoadException"><see cref="Strategy.Auto"/> was requested, and the speed of this machine could not be
    /// measured.</exception>
    public PlanChooser ChooserFor(LoadRequest request, IDevice device, MemoryBudget budget, CancellationToken cancellationToken)
    {
        if (_latest is { } latest && (latest.Chooser.CanChoose || request.Strategy != Strategy.Auto)
            && (latest.Device, latest.HostLimit, latest.DeviceLimit, latest.OtherRanks)
                == (device.Name, request.HostMemoryLimit, request.DeviceMemoryLimit, request.OtherRanksBytes))
        {
            return latest.Chooser;
        }
        MachineSpeed? speed = request.Strategy == Strategy.Auto
            ? MachineSpeed.Ensure(device.Name, budget.Host?.BudgetBytes, cancellationToken)
            : MachineSpeed.Known(device.Name);
        var chooser = new PlanChooser(View, device, budget, speed, _cachedShare, WhyNotMapped(request.MapGuard)?.Why);
        _latest = (device.Name, request.HostMemoryLimit, request.DeviceMemoryLimit, request.OtherRanksBytes, chooser);
        return chooser;
    }

    // The load must read the bytes that the headers belong to. The clock of file systems has a coarse resolution. A file that was just
    // written could therefore be written again without a change of its time.
    private static Checkpoint OpenSettled(string path, bool allowOpaque, CheckpointFileSet files, CancellationToken cancellationToken)
    {
        OpenLimits limits = OpenLimits.FromEnvironment() with { AllowOpaque = allowOpaque };
        var checkpoint = Checkpoint.Open(path, limits, files, cancellationToken);
        if (!checkpoint.Files.Any(file => file.Stamp is { IsFresh: true }))
        {
            return checkpoint;
        }
        files.Dispose();
        cancellationToken.WaitHandle.WaitOne(FileStamp.Settling);
        return Checkpoint.Open(path, limits, files, cancellationToken);
    }

    /// <summary>Returns the files one after the other, open.</summary>
    public IEnumerable<CheckpointFileReader> Opened() => Checkpoint.Files.Select(file => Files[file]);

    private MapRefusal? FindMapRefusal()
    {
        if (FindChunkObstacle() is string chunks)
        {
            return new MapRefusal(chunks, Rules.DistributedMapped.Broken(
                chunks,
                Checkpoint.Path,
                remedy: _request.Split is null ? null : (Remedy)$"Use another strategy ({(Setting.Strategy, nameof(Strategy.Stream))})."));
        }
        if (Checkpoint.Files.Select(file => file.Decoding?.Obstacle).FirstOrDefault(found => found is not null) is string barrier)
        {
            return new MapRefusal(barrier, Rules.MappingDecoded.Broken($"the file cannot be mapped: {barrier}", Checkpoint.Path));
        }
        // The system is asked only about files that are not open yet.
        if (Files.Count < Checkpoint.Files.Length && OpenFiles.Available + Files.Count is int most && most < Checkpoint.Files.Length)
        {
            string shortage = FormattableString.Invariant(
                $"it has {Checkpoint.Files.Length} files, and this process may open {most} more");
            return new MapRefusal(shortage,
                Rules.FilesExhausted.Broken($"Mmap has every file of the checkpoint open: {shortage}", Checkpoint.Path));
        }
        return null;
    }

    private string? FindChunkObstacle()
    {
        foreach (TensorEntry tensor in Checkpoint.Tensors)
        {
            if (Checkpoint.Storages[tensor.Storage] is { IsInChunks: true } storage)
            {
                return _request.Split is null
                    ? $"tensor {Printable.Quote(tensor.Name)} is in {storage.Chunks.Length} chunks"
                    : $"the slice of tensor {Printable.Quote(tensor.Name)} is not contiguous in the file";
            }
        }
        return null;
    }

    private string? FindSizeName()
    {
        try
        {
            return GptConfig.Infer(Checkpoint.Tensors, heads: null).SizeName;
        }
        catch (MemLoadException)
        {
            return null; // another model: a known size name is optional
        }
    }

    // A checkpoint that is only described, or on a server, has no file yet.
    private bool HasFiles => _request.Path is not null && !RemoteAddress.Is(_request.Path);

    // After it is written it is in the page cache.
    private double FindCachedShare() =>
        !HasFiles || Checkpoint.FileBytes == 0 || PageCache.CachedBytes(Opened()) is not long cached
            ? 1
            : Math.Min(1, (double)cached / Checkpoint.FileBytes);

    /// <summary>Why a load must not map the files.</summary>
    /// <param name="Why">The reason, for messages.</param>
    /// <param name="Refusal">How such a load is refused.</param>
    internal sealed record MapRefusal(string Why, MemLoadException Refusal);
}
