namespace MemLoad;

/// <summary>
/// One row of a forecast: the cost of a load. Rows are flat, of primitive types, with the same columns for every strategy.
/// </summary>
public sealed record LoadForecast
{
    /// <summary>The strategy that was requested.</summary>
    public required string Strategy { get; init; }
    /// <summary>The strategy that wrote the plan: the requested one, or the one that <c>Auto</c> chose.</summary>
    public required string ChosenStrategy { get; init; }
    /// <summary>The device's name.</summary>
    public required string Device { get; init; }
    /// <summary>Absolute path of the checkpoint.</summary>
    public required string Path { get; init; }
    /// <summary>The checkpoint's format, a <see cref="CheckpointFormat"/>.</summary>
    public required string Format { get; init; }
    /// <summary>The name of the model size if it is a known one.</summary>
    public string? Size { get; init; }
    /// <summary>The type that floating-point tensors are cast to, by PyTorch's name; null if all types stay as in the file.</summary>
    public string? DType { get; init; }
    /// <summary>The rank whose part would be loaded, from 0; null for the whole checkpoint.</summary>
    public long? Rank { get; init; }
    /// <summary>The number of ranks that the checkpoint is split among; null if it is not split.</summary>
    public long? RankCount { get; init; }
    /// <summary>
    /// The dimension in which each tensor would be split among the ranks, a <see cref="TensorSplit"/>; null if they have whole tensors.
    /// </summary>
    public string? Split { get; init; }
    /// <summary>Tensors to load.</summary>
    public required long TensorCount { get; init; }
    /// <summary>Elements of all tensors together. Shared elements count once.</summary>
    public required long ParameterCount { get; init; }
    /// <summary>M: bytes of all parameters and buffers in memory.</summary>
    public required long ModelBytes { get; init; }
    /// <summary>L: bytes of the largest tensor in memory.</summary>
    public required long LargestBytes { get; init; }
    /// <summary>Bytes of the checkpoint's files.</summary>
    public required long FileBytes { get; init; }
    /// <summary>
    /// The type of the file system of the checkpoint's first file, as the system names it, such as <c>ext4</c>, <c>nfs4</c>, <c>overlay</c>
    /// or <c>NTFS</c>. Null if the system does not report it.
    /// </summary>
    public string? FileSystem { get; init; }
    /// <summary>Objects other than tensors that are left out, because only code can read them. Null if they were not allowed.</summary>
    public long? OpaqueObjects { get; init; }
    /// <summary>Peak of allocated device memory, as PyTorch's allocator counts it; 0 on <c>cpu</c>.</summary>
    public required long ForecastDeviceBytes { get; init; }
    /// <summary>Peak of reserved device memory.</summary>
    public required long ForecastDeviceReservedBytes { get; init; }
    /// <summary>Peak of anonymous host memory.</summary>
    public required long ForecastHostBytes { get; init; }
    /// <summary>Upper bound of resident file-backed pages.</summary>
    public required long ForecastHostFileBytes { get; init; }
    /// <summary>
    /// The sum of <see cref="ForecastHostBytes"/> over all ranks that load at the same time; null if this load is the only one.
    /// </summary>
    public long? RanksForecastHostBytes { get; init; }
    /// <summary>
    /// Forecast of the load's time on this machine; null until the speed of the machine is measured, which <c>Auto</c> does.
    /// </summary>
    public long? ForecastMicroseconds { get; init; }
    /// <summary>Bytes of the staging ring; 0 if the plan needs none.</summary>
    public required long RingBytes { get; init; }
    /// <summary>
    /// Host memory that a load may use now: the tightest limit less its current use and a reserve. Null if nothing limits it.
    /// </summary>
    public long? HostBudgetBytes { get; init; }
    /// <summary>The limit that <see cref="HostBudgetBytes"/> comes from.</summary>
    public string? HostLimit { get; init; }
    /// <summary>Bytes that may be reserved on the device; null if only the machine limits it.</summary>
    public long? DeviceBudgetBytes { get; init; }
    /// <summary>Whether the plan fits the budget; null if nothing limits it.</summary>
    public bool? Fits { get; init; }
    /// <summary>Bytes that the budget lacks for the plan, of the limit with the largest shortfall; 0 if it fits.</summary>
    public required long MissingBytes { get; init; }
    /// <summary>
    /// Bytes of the keys and values that a server keeps for the requested sequences. No other figure includes them. Null if the context
    /// length was not given.
    /// </summary>
    public long? KvCacheBytes { get; init; }
    /// <summary><see cref="KvCacheBytes"/> as a product; null if it is.</summary>
    public string? KvCacheFormula { get; init; }
    /// <summary>
    /// Whether the load at its peak, and then the loaded weights with the KV cache, fit <see cref="DeviceBudgetBytes"/>. Activations and
    /// the host are not counted. Null if there is no cache to count or no budget, and for a part of a checkpoint (ranks).
    /// </summary>
    public bool? FitsWithKvCache { get; init; }
    /// <summary>Notes: why <c>Auto</c> chose this plan, and whether mapped pages will be read repeatedly.</summary>
    public string? Note { get; init; }
    /// <summary>Name of the machine that made the forecast.</summary>
    public required string HostName { get; init; }
    /// <summary>Why the plan does not fit, with the id of the rule.</summary>
    public string? Message { get; init; }
}
