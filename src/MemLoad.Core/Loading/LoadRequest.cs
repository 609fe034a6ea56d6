namespace MemLoad;

/// <summary>One load: what is loaded, with which strategy, and to which device.</summary>
public sealed record LoadRequest
{
    /// <summary>
    /// File or folder; null for a model of <see cref="Size"/> without a file. Such a request can be forecast but not loaded.
    /// </summary>
    public required string? Path { get; init; }

    /// <summary>The strategy.</summary>
    public required Strategy Strategy { get; init; }

    /// <summary>The device to load to.</summary>
    public string Device { get => field ?? DeviceRegistry.Default; init; }

    /// <summary>Container or tensor of the checkpoint to load; null for all.</summary>
    public string? Key { get; init; }

    /// <summary>Name patterns to keep; all if empty.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Name patterns to exclude.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>The rank that loads, from 0 to <see cref="RankCount"/> less 1. It loads a contiguous range of the storages.</summary>
    public int Rank { get; init; }

    /// <summary>The number of ranks that the checkpoint is split among by bytes; 1 for a whole checkpoint.</summary>
    public int RankCount { get; init; } = 1;

    /// <summary>A known model size that the checkpoint must fit, such as <c>gpt2-small</c>; null for any state dict.</summary>
    public string? Size { get; init; }

    /// <summary>
    /// The type that floating-point tensors are cast to while loading: float32, float16 or bfloat16; null to load them as they are.
    /// </summary>
    public DType? DType { get; init; }

    /// <summary>A manifest (<see cref="WeightManifest"/>) that the loaded weights are compared with; null for none.</summary>
    public string? Manifest { get; init; }

    /// <summary>The most anonymous host memory that the load may need, in bytes.</summary>
    public long? HostMemoryLimit { get; init; }

    /// <summary>The most device memory that the load may need, in bytes. It is the capacity of a simulated device.</summary>
    public long? DeviceMemoryLimit { get; init; }

    /// <summary>
    /// What guards against a file that becomes shorter while it is mapped. <see cref="MapGuard.Required"/> refuses files that cannot be
    /// guarded, and <see cref="Strategy.Auto"/> then maps none of them.
    /// </summary>
    public MapGuard MapGuard { get; init; }

    /// <summary>Loads even if the forecast exceeds the host memory budget. The capacity of a device is not overridden.</summary>
    public bool Force { get; init; }

    /// <summary>Returns the same load for several strategies and devices: every strategy for the first device, then for the next.</summary>
    /// <param name="strategies">The strategies. An empty list means all except <see cref="Strategy.Auto"/>.</param>
    /// <param name="devices">The devices. One text can have several names, separated by commas.</param>
    internal IReadOnlyList<LoadRequest> By(IReadOnlyCollection<Strategy> strategies, IEnumerable<string> devices) =>
    [
        .. from device in devices.SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries)).Distinct(StringComparer.OrdinalIgnoreCase)
           from strategy in strategies.Count > 0 ? strategies.Distinct() : Strategies.All
           select this with { Strategy = strategy, Device = device },
    ];
}
