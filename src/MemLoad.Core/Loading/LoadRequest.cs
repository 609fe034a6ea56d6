namespace MemLoad;

/// <summary>One load: what is loaded, how and where.</summary>
public sealed record LoadRequest
{
    /// <summary>File or folder; null for the model of <see cref="Size"/> of which there is no file yet: enough to forecast, nothing to load.</summary>
    public required string? Path { get; init; }

    /// <summary>How.</summary>
    public required Strategy Strategy { get; init; }

    /// <summary>Where to.</summary>
    public string Device { get; init; } = DeviceRegistry.Default;

    /// <summary>Container or tensor of the checkpoint to narrow to.</summary>
    public string? Key { get; init; }

    /// <summary>Name patterns to keep; all if empty.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Name patterns to drop.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Which of <see cref="RankCount"/> ranks loads: it takes a contiguous range of the storages.</summary>
    public int Rank { get; init; }

    /// <summary>Among how many ranks the checkpoint is split by bytes; 1 for a whole one.</summary>
    public int RankCount { get; init; } = 1;

    /// <summary>A known model size that the checkpoint must fit, such as <c>gpt2-small</c>; null for any state dict.</summary>
    public string? Size { get; init; }

    /// <summary>What floating-point tensors are cast to on the way into memory: float32, float16 or bfloat16; null to load them as they are.</summary>
    public DType? DType { get; init; }

    /// <summary>A manifest (<see cref="WeightManifest"/>) that the weights in memory must agree with; null to take them as they are.</summary>
    public string? Manifest { get; init; }

    /// <summary>Most anonymous host memory the load may need, in bytes.</summary>
    public long? HostMemoryLimit { get; init; }

    /// <summary>Most device memory the load may need, in bytes; the capacity of a simulated device.</summary>
    public long? DeviceMemoryLimit { get; init; }

    /// <summary>What is done in case that a file becomes shorter while it is mapped. <see cref="MapGuard.Required"/> refuses files that cannot be
    /// guarded, and <see cref="Strategy.Auto"/> then maps none of them.</summary>
    public MapGuard MapGuard { get; init; }

    /// <summary>Load even what does not fit the budget; a device's capacity stays what it is.</summary>
    public bool Force { get; init; }

    /// <summary>The same load by several strategies.</summary>
    /// <param name="strategies">The strategies; none stands for all but <see cref="Strategy.Auto"/>.</param>
    internal IReadOnlyList<LoadRequest> By(IReadOnlyCollection<Strategy> strategies) =>
        [.. (strategies.Count > 0 ? strategies.Distinct() : Strategies.All).Select(strategy => this with { Strategy = strategy })];
}
