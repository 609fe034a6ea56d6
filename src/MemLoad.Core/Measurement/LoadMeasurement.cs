using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>The outcome of a load.</summary>
public enum LoadOutcome
{
    /// <summary>All weights are loaded and were digested.</summary>
    Loaded,
    /// <summary>The forecast exceeds a limit; nothing was allocated.</summary>
    Refused,
    /// <summary>Host or device memory ran out.</summary>
    OutOfMemory,
    /// <summary>A rule was broken. The message names it.</summary>
    Failed,
    /// <summary>Another process killed the measured process.</summary>
    Killed,
    /// <summary>The user cancelled it.</summary>
    Canceled,
}

/// <summary>
/// One row: the forecast cost of a load, and its measured cost. Rows are flat, of primitive types, so that CSV, JSON and remoting keep
/// them. All strategies have the same columns. Null means that the value is not known or cannot be known here.
/// </summary>
public sealed record LoadMeasurement
{
    /// <summary>The strategy that was requested; the name of the program if a program was measured.</summary>
    public required string Strategy { get; init; }
    /// <summary>The strategy that loaded: the requested one, or the one that <c>Auto</c> chose.</summary>
    public string? ChosenStrategy { get => Forecast?.ChosenStrategy ?? field; init; }
    /// <summary>The device's name: <c>cpu</c>, <c>sim</c> …</summary>
    public required string Device { get; init; }
    /// <summary>
    /// The outcome of the load, a <see cref="LoadOutcome"/>. It is a word, because JSON and remoting do not keep the numbers of an
    /// enumeration.
    /// </summary>
    public required string Outcome { get; init; }
    /// <summary>
    /// A short text for the row: <c>as forecast</c>; or the difference between the load and its forecast (<c>host +12.3 %</c>); or how the
    /// load failed.
    /// </summary>
    public string Verdict => RowVerdict.Of(this);
    /// <summary>
    /// Whether a load that succeeded used the forecast memory: on the device exactly, on the host within 2 % or 8 MiB, whichever is more.
    /// Null if the load did not succeed, or if there was no forecast.
    /// </summary>
    public bool? AsForecast => IsLoaded && RowVerdict.HasForecast(this) ? RowVerdict.Deviation(this) is null : null;
    /// <summary>
    /// The status for monitoring, a <see cref="RowStatus"/>: how the load ended, compared with its forecast and with the bounds that were
    /// given. Null in a row of an earlier version.
    /// </summary>
    public string? Status { get; init; }
    /// <summary>The figures that are above a bound (<see cref="LoadBounds"/>); null if there are none.</summary>
    public string? StatusReason { get; init; }
    /// <summary>Absolute path of the checkpoint.</summary>
    public string? Path { get => Forecast?.Path ?? field; init; }
    /// <summary>The user's name for what was loaded, for comparisons between machines; null if none was given.</summary>
    public string? Model { get; init; }
    /// <summary>The checkpoint's format, a <see cref="CheckpointFormat"/>.</summary>
    public string? Format { get => Forecast?.Format ?? field; init; }
    /// <summary>The name of the model size if it is a known one, such as <c>gpt2-small</c>.</summary>
    public string? Size { get => Forecast?.Size ?? field; init; }
    /// <summary>The type that floating-point tensors were cast to, by PyTorch's name; null if all types stayed as in the file.</summary>
    public string? DType { get; init; }
    /// <summary>The rank whose part was loaded, from 0; null if the whole checkpoint was loaded. Ranks load different weights.</summary>
    public long? Rank { get; init; }
    /// <summary>The number of ranks that the checkpoint was split among; null if it was not split.</summary>
    public long? RankCount { get; init; }
    /// <summary>
    /// The dimension in which each tensor was split among the ranks, a <see cref="TensorSplit"/>; null if they have whole tensors.
    /// </summary>
    public string? Split { get; init; }
    /// <summary>Tensors loaded.</summary>
    public long? TensorCount { get => Forecast?.TensorCount ?? field; init; }
    /// <summary>Elements of all tensors together. Shared elements count once.</summary>
    public long? ParameterCount { get => Forecast?.ParameterCount ?? field; init; }
    /// <summary>M: bytes of all parameters and buffers in memory.</summary>
    public long? ModelBytes { get => Forecast?.ModelBytes ?? field; init; }
    /// <summary>Bytes of the checkpoint's files.</summary>
    public long? FileBytes { get => Forecast?.FileBytes ?? field; init; }
    /// <summary>
    /// The type of the file system of the checkpoint's first file, as the system names it, such as <c>ext4</c>, <c>nfs4</c>, <c>overlay</c>
    /// or <c>NTFS</c>. Null if the system does not report it.
    /// </summary>
    public string? FileSystem { get => Forecast?.FileSystem ?? field; init; }
    /// <summary>Objects other than tensors that were left out, because only code can read them. Null if they were not allowed.</summary>
    public long? OpaqueObjects { get => Forecast?.OpaqueObjects ?? field; init; }
    /// <summary>
    /// Peak of allocated device memory, as PyTorch's <c>max_memory_allocated</c>; 0 on <c>cpu</c>, which has no device memory.
    /// </summary>
    public long? PeakDeviceBytes { get; init; }
    /// <summary>Peak of device memory reserved by the allocator, as PyTorch's <c>max_memory_reserved</c>.</summary>
    public long? PeakDeviceReservedBytes { get; init; }
    /// <summary>
    /// The device memory of this process after the load, according to the driver, including its context; null if no driver reports it.
    /// </summary>
    public long? DriverDeviceBytes { get; init; }
    /// <summary>
    /// The largest decrease of the free memory of the card during the load, according to the driver. The figure is of the card and not of
    /// the process. The memory of other processes counts, too. Null without a card.
    /// </summary>
    public long? PeakCardBytes { get; init; }
    /// <summary>The product name of the card; null if the device has none.</summary>
    public string? DeviceName { get; init; }
    /// <summary>The id of the card, such as <c>GPU-…</c>, by which monitoring knows it; null if the device has none.</summary>
    public string? DeviceUuid { get; init; }
    /// <summary>The version of the card's driver; null if the device has none.</summary>
    public string? DriverVersion { get; init; }
    /// <summary>Forecast of <see cref="PeakDeviceBytes"/>.</summary>
    public long? ForecastDeviceBytes { get => Forecast?.ForecastDeviceBytes ?? field; init; }
    /// <summary>Peak of anonymous and shared host memory of the load, above the idle process.</summary>
    public long? PeakHostBytes { get; init; }
    /// <summary>Peak of resident file-backed pages of the load, above the idle process. The kernel can reclaim them.</summary>
    public long? PeakHostFileBytes { get; init; }
    /// <summary>Forecast of <see cref="PeakHostBytes"/>.</summary>
    public long? ForecastHostBytes { get => Forecast?.ForecastHostBytes ?? field; init; }
    /// <summary>
    /// Upper bound that is forecast for <see cref="PeakHostFileBytes"/>: the mapped bytes. Pages that are never touched use no memory.
    /// </summary>
    public long? ForecastHostFileBytes { get => Forecast?.ForecastHostFileBytes ?? field; init; }
    /// <summary>
    /// The sum of <see cref="ForecastHostBytes"/> over all ranks that loaded at the same time; null if this load was the only one.
    /// </summary>
    public long? RanksForecastHostBytes { get; init; }
    /// <summary>
    /// The sum of <see cref="PeakHostBytes"/> over all ranks that loaded at the same time. The host never held more than this for them.
    /// Null if this load was the only one, or if a rank did not load.
    /// </summary>
    public long? RanksPeakHostBytes { get; init; }
    /// <summary>Forecast minus measured device peak, in thousandths of the measured peak.</summary>
    public long? DeviceErrorPermille { get; init; }
    /// <summary>Forecast minus measured host peak, in thousandths of the measured peak.</summary>
    public long? HostErrorPermille { get; init; }
    /// <summary>Anonymous and shared host memory that is still held at the end of the load, above the idle process.</summary>
    public long? FinalHostBytes { get; init; }
    /// <summary>Wall time of the load, from the first step to the last.</summary>
    public long? ElapsedMicroseconds { get; init; }
    /// <summary>
    /// <see cref="ModelBytes"/> divided by the wall time; null if the load moved no bytes, as with a mapping that becomes the model's
    /// memory.
    /// </summary>
    public long? BytesPerSecond { get; init; }
    /// <summary>
    /// Forecast of <see cref="ElapsedMicroseconds"/>; null until the speed of this machine is measured, which <c>Auto</c> does.
    /// </summary>
    public long? ForecastMicroseconds { get => Forecast?.ForecastMicroseconds ?? field; init; }
    /// <summary>Bytes of the staging ring; 0 if the plan needed none.</summary>
    public long? RingBytes { get => Forecast?.RingBytes ?? field; init; }
    /// <summary>Host memory that the load was allowed to use: the tightest limit less its current use and a reserve.</summary>
    public long? HostBudgetBytes { get => Forecast?.HostBudgetBytes ?? field; init; }
    /// <summary>The limit that <see cref="HostBudgetBytes"/> comes from.</summary>
    public string? HostLimit { get => Forecast?.HostLimit ?? field; init; }
    /// <summary>Bytes that were allowed to be reserved on the device; null if only the machine limits it.</summary>
    public long? DeviceBudgetBytes { get => Forecast?.DeviceBudgetBytes ?? field; init; }
    /// <summary>The requested state of the page cache: <c>Warm</c>, <c>Cold</c> or <c>AsIs</c>.</summary>
    public string? Cache { get; init; }
    /// <summary>Bytes of the files that were in the page cache when the load began.</summary>
    public long? CachedBytesAtStart { get; init; }
    /// <summary>Page faults that needed the disk (major faults).</summary>
    public long? MajorFaults { get; init; }
    /// <summary>SHA-256 over all tensors in device memory (see docs/digest.md), in lowercase hex.</summary>
    public string? WeightsDigest { get; init; }
    /// <summary>
    /// The digest in the manifest, if one was given. It is the digest of the whole model, and equals <see cref="WeightsDigest"/> if all of
    /// it was loaded. In a row with the outcome <c>Loaded</c>, every loaded tensor matches the manifest.
    /// </summary>
    public string? ManifestDigest { get; init; }
    /// <summary>The number of the repetition, from 1.</summary>
    public required int Run { get; init; }
    /// <summary>Name of the machine.</summary>
    public required string HostName { get; init; }
    /// <summary>Name of its processor.</summary>
    public string? ProcessorName { get; init; }
    /// <summary>Physical memory of the machine.</summary>
    public long? TotalMemoryBytes { get; init; }
    /// <summary>
    /// When the measurement started, to the millisecond. CSV, JSON and views show it in ISO 8601 with its offset, in every culture.
    /// </summary>
    [JsonConverter(typeof(RowTime.Json))]
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>MemLoad's version.</summary>
    public required string ModuleVersion { get; init; }
    /// <summary>
    /// The version of the meaning of the columns, which docs/row.schema.json describes: 1. A later version of MemLoad can add columns
    /// without a new number. Null in a row of an earlier version.
    /// </summary>
    public int? SchemaVersion { get; init; }
    /// <summary>Notes: why <c>Auto</c> chose this plan, and whether mapped pages are read repeatedly.</summary>
    public string? Note { get => Forecast?.Note ?? field; init; }
    /// <summary>Rule id, finding and remedy if the outcome is not <see cref="LoadOutcome.Loaded"/>.</summary>
    public string? Message { get; init; }

    /// <summary>The current <see cref="SchemaVersion"/>.</summary>
    internal const int CurrentSchema = 1;

    /// <summary>The forecast of the load in this process. Its columns are columns of the row. Null in a row that was read.</summary>
    internal LoadForecast? Forecast { get; init; }

    /// <summary>Whether the load succeeded. Rows have their outcome as text; only this property compares it.</summary>
    internal bool IsLoaded => Outcome == nameof(LoadOutcome.Loaded);

    /// <summary>Creates a row without values, for a reader that sets them.</summary>
    internal static LoadMeasurement Blank() =>
        new() { Strategy = "", Device = "", Outcome = "", Run = 0, HostName = "", StartedAt = default, ModuleVersion = "" };

    /// <summary>Creates the row of a load that has not ended yet.</summary>
    internal static LoadMeasurement Begun(MeasureRequest request) =>
        Begun(request.Load.Strategy.ToString(), request.Load.Device, request.Cache, request.Run, request.Model, request.Load.Path) with
        {
            Path = AbsolutePathOf(request.Load.Path),
            DType = request.Load.DType?.TorchName(),
            Rank = request.Load.RankCount > 1 ? request.Load.Rank : null,
            RankCount = request.Load.RankCount > 1 ? request.Load.RankCount : null,
            Split = request.Load.Split?.ToString(),
        };

    // The load refuses a path that cannot be made absolute, and its row says why.
    private static string? AbsolutePathOf(string? path)
    {
        try
        {
            return path is null ? null : RemoteAddress.Is(path) ? RemoteAddress.Shown(path) : FullPath.Of(path);
        }
        catch (MemLoadException)
        {
            return null;
        }
    }

    /// <summary>Creates the row of a program that has not ended yet.</summary>
    internal static LoadMeasurement Begun(ProgramRequest request) =>
        Begun(request.Name, request.Device, request.Cache, request.Run, request.Model, request.Path);

    private static LoadMeasurement Begun(
        string strategy, string device, CacheState cache, int run, string? model, string? path) => new()
        {
            Strategy = strategy,
            Device = device.ToLowerInvariant(),
            Outcome = nameof(LoadOutcome.Failed),
            Cache = cache.ToString(),
            Run = run,
            Model = model,
            FileSystem = path is null ? null : FileSystems.NameOf(path),
            HostName = HostFacts.HostName,
            ProcessorName = HostFacts.ProcessorName,
            TotalMemoryBytes = HostFacts.TotalMemoryBytes,
            StartedAt = RowTime.Now,
            ModuleVersion = HostFacts.ModuleVersion,
            SchemaVersion = CurrentSchema,
        };

    /// <summary>Receives every row of a measurement. Null outside of tests, which compare the rows with the published schema.</summary>
    internal static Action<LoadMeasurement>? Finished { get; set; }

    /// <summary>Returns the finished row with its status. Null means that there are no bounds.</summary>
    internal LoadMeasurement Judged(LoadBounds? warnAbove, LoadBounds? failAbove)
    {
        string? failed = IsLoaded ? failAbove?.Exceeded(this) : null;
        string? warned = IsLoaded && failed is null ? warnAbove?.Exceeded(this) : null;
        RowStatus status = !IsLoaded || failed is not null ? RowStatus.Fail
            : warned is not null || AsForecast == false ? RowStatus.Warn : RowStatus.Pass;
        LoadMeasurement row = this with { Status = status.ToString(), StatusReason = failed ?? warned };
        Finished?.Invoke(row);
        return row;
    }

    /// <summary>Returns the row of a load that did not succeed.</summary>
    internal LoadMeasurement Ended(LoadOutcome outcome, MemLoadException reason) =>
        this with { Outcome = outcome.ToString(), Message = $"{reason.Rule.Id}: {reason.Message}" };

    /// <summary>Splits the message of a row that failed into its parts.</summary>
    /// <returns>The id of the rule that was broken, and finding, place and remedy; null for a load that succeeded inside its
    /// bounds.</returns>
    public (string RuleId, string Text)? Problem()
    {
        if (IsLoaded && Status == nameof(RowStatus.Fail))
        {
            MemLoadException above = Rules.BoundExceeded.Broken($"{Strategy} to {Device}: {StatusReason}", Path);
            return (above.Rule.Id, above.Message);
        }
        if (IsLoaded)
        {
            return null;
        }
        string message = Message ?? "";
        int colon = message.IndexOf(": ", StringComparison.Ordinal);
        return colon < 0 ? (Rules.WorkerFailed.Id, message) : (message[..colon], message[(colon + 2)..]);
    }
}
