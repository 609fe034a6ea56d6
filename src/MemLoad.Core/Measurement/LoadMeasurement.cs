using System.Globalization;

namespace MemLoad;

/// <summary>How a load ended.</summary>
public enum LoadOutcome
{
    /// <summary>All weights are in place and were digested.</summary>
    Loaded,
    /// <summary>The forecast exceeds a limit: nothing was allocated.</summary>
    Refused,
    /// <summary>Host or device memory ran out.</summary>
    OutOfMemory,
    /// <summary>A rule was broken; the message names it.</summary>
    Failed,
    /// <summary>The measured process was killed from outside.</summary>
    Killed,
    /// <summary>The user stopped it.</summary>
    Canceled,
}

/// <summary>
/// One row: what one load was forecast to cost and what it cost. Flat and primitive, so that it survives CSV, JSON and remoting; the same
/// columns for every strategy. Null means that it was not or cannot be known here.
/// </summary>
public sealed record LoadMeasurement
{
    /// <summary>The strategy that was asked for.</summary>
    public required string Strategy { get; init; }
    /// <summary>The strategy that loaded: the same, or the one that <c>Auto</c> chose.</summary>
    public string? ChosenStrategy { get; init; }
    /// <summary>The device's name: <c>cpu</c>, <c>sim</c> …</summary>
    public required string Device { get; init; }
    /// <summary>How the load ended, a <see cref="LoadOutcome"/>: a word, for numbers of enumerations do not survive JSON and remoting.</summary>
    public required string Outcome { get; init; }
    /// <summary>
    /// The row in a few words: <c>as forecast</c>; where the load left its forecast, and how far (<c>host +12.3 %</c>); or how it ended where it did not load.
    /// </summary>
    public string Verdict => RowVerdict.Of(this);
    /// <summary>
    /// Whether a load that ended well took what was forecast: on the device to the byte, on the host within 2 % or 8 MiB, whichever is more. Null where
    /// it did not end well.
    /// </summary>
    public bool? AsForecast => IsLoaded ? RowVerdict.Deviation(this) is null : null;
    /// <summary>Absolute path of the checkpoint.</summary>
    public string? Path { get; init; }
    /// <summary>The checkpoint's format, a <see cref="CheckpointFormat"/>.</summary>
    public string? Format { get; init; }
    /// <summary>The model size where it is one of the known ones, such as <c>gpt2-small</c>.</summary>
    public string? Size { get; init; }
    /// <summary>What floating-point tensors were cast to, by PyTorch's name; null where everything stayed as in the file.</summary>
    public string? DType { get; init; }
    /// <summary>The rank whose part was loaded, from 0; null where all of the checkpoint was. Ranks load different weights.</summary>
    public long? Rank { get; init; }
    /// <summary>Among how many ranks the checkpoint was split; null where it was not.</summary>
    public long? RankCount { get; init; }
    /// <summary>Tensors loaded.</summary>
    public long? TensorCount { get; init; }
    /// <summary>Elements of all tensors together, shared ones once.</summary>
    public long? ParameterCount { get; init; }
    /// <summary>M: bytes of all parameters and buffers in memory.</summary>
    public long? ModelBytes { get; init; }
    /// <summary>Bytes of the checkpoint's files.</summary>
    public long? FileBytes { get; init; }
    /// <summary>Peak of allocated device memory, as PyTorch's <c>max_memory_allocated</c>; 0 on <c>cpu</c>, which has none of its own.</summary>
    public long? PeakDeviceBytes { get; init; }
    /// <summary>Peak of device memory reserved by the allocator, as PyTorch's <c>max_memory_reserved</c>.</summary>
    public long? PeakDeviceReservedBytes { get; init; }
    /// <summary>What the driver says this process holds on the device after the load, its context included; null where no driver says.</summary>
    public long? DriverDeviceBytes { get; init; }
    /// <summary>Forecast of <see cref="PeakDeviceBytes"/>.</summary>
    public long? ForecastDeviceBytes { get; init; }
    /// <summary>Peak of anonymous and shared host memory of the load, above the idle process.</summary>
    public long? PeakHostBytes { get; init; }
    /// <summary>Peak of resident file-backed pages of the load, above the idle process. The kernel can reclaim them.</summary>
    public long? PeakHostFileBytes { get; init; }
    /// <summary>Forecast of <see cref="PeakHostBytes"/>.</summary>
    public long? ForecastHostBytes { get; init; }
    /// <summary>Ceiling forecast for <see cref="PeakHostFileBytes"/>: what is mapped; pages never touched cost nothing.</summary>
    public long? ForecastHostFileBytes { get; init; }
    /// <summary>Forecast less measured device peak, in thousandths of the measured.</summary>
    public long? DeviceErrorPermille { get; init; }
    /// <summary>Forecast less measured host peak, in thousandths of the measured.</summary>
    public long? HostErrorPermille { get; init; }
    /// <summary>Anonymous and shared host memory still held when the load had finished, above the idle process.</summary>
    public long? FinalHostBytes { get; init; }
    /// <summary>Wall time of the load, from the first step to the last.</summary>
    public long? ElapsedMicroseconds { get; init; }
    /// <summary><see cref="ModelBytes"/> over the wall time; null where the load moved no bytes, a mapping taken over as it is.</summary>
    public long? BytesPerSecond { get; init; }
    /// <summary>Forecast of <see cref="ElapsedMicroseconds"/>; null until this machine's speed was measured once, which <c>Auto</c> does.</summary>
    public long? ForecastMicroseconds { get; init; }
    /// <summary>Bytes of the staging ring; 0 where the plan needed none.</summary>
    public long? RingBytes { get; init; }
    /// <summary>Host memory the load might take: the tightest limit less what was used of it and a reserve.</summary>
    public long? HostBudgetBytes { get; init; }
    /// <summary>The limit that <see cref="HostBudgetBytes"/> comes from.</summary>
    public string? HostLimit { get; init; }
    /// <summary>What might be reserved on the device; null where nothing but the machine limits it.</summary>
    public long? DeviceBudgetBytes { get; init; }
    /// <summary>What was asked of the page cache: <c>Warm</c>, <c>Cold</c> or <c>AsIs</c>.</summary>
    public string? Cache { get; init; }
    /// <summary>Bytes of the files that were in the page cache when the load began.</summary>
    public long? CachedBytesAtStart { get; init; }
    /// <summary>Page faults that needed the disk.</summary>
    public long? MajorFaults { get; init; }
    /// <summary>SHA-256 over all tensors as they lie in device memory (see docs/digest.md), lowercase hex.</summary>
    public string? WeightsDigest { get; init; }
    /// <summary>
    /// The digest that the manifest states, where one was given: that of the whole model, equal to <see cref="WeightsDigest"/> where all of it was
    /// loaded. A row that is <c>Loaded</c> agrees with the manifest in every tensor it loaded.
    /// </summary>
    public string? ManifestDigest { get; init; }
    /// <summary>Number of the repetition, from 1.</summary>
    public required int Run { get; init; }
    /// <summary>Name of the machine.</summary>
    public required string HostName { get; init; }
    /// <summary>Name of its processor.</summary>
    public string? ProcessorName { get; init; }
    /// <summary>Physical memory of the machine.</summary>
    public long? TotalMemoryBytes { get; init; }
    /// <summary>When the measurement started: a moment in ISO 8601 with milliseconds and offset, as text. A <see cref="DateTimeOffset"/> would be
    /// written to CSV in the words of each culture and without milliseconds, and a remote session would make a bag of numbers of it.</summary>
    public required string StartedAt { get; init; }
    /// <summary>MemLoad's version.</summary>
    public required string ModuleVersion { get; init; }
    /// <summary>What else to know: why <c>Auto</c> chose this plan, and whether mapped pages are read again and again.</summary>
    public string? Note { get; init; }
    /// <summary>Rule id, finding and remedy where the outcome is not <see cref="LoadOutcome.Loaded"/>.</summary>
    public string? Message { get; init; }

    /// <summary>Whether the load ended well. Rows carry their outcome as text, and this is where it is read.</summary>
    internal bool IsLoaded => Outcome == nameof(LoadOutcome.Loaded);

    /// <summary>The row of a load that has not ended yet.</summary>
    /// <param name="request">What was asked for.</param>
    internal static LoadMeasurement Begun(MeasureRequest request) => new()
    {
        Strategy = request.Load.Strategy.ToString(),
        Device = request.Load.Device.ToLowerInvariant(),
        Outcome = nameof(LoadOutcome.Failed),
        Path = request.Load.Path is null ? null : FullPath.Of(request.Load.Path),
        DType = request.Load.DType?.TorchName(),
        Rank = request.Load.RankCount > 1 ? request.Load.Rank : null,
        RankCount = request.Load.RankCount > 1 ? request.Load.RankCount : null,
        Cache = request.Cache.ToString(),
        Run = request.Run,
        HostName = HostFacts.HostName,
        ProcessorName = HostFacts.ProcessorName,
        TotalMemoryBytes = HostFacts.TotalMemoryBytes,
        StartedAt = DateTimeOffset.Now.ToString("yyyy-MM-ddTHH:mm:ss.fffzzz", CultureInfo.InvariantCulture),
        ModuleVersion = HostFacts.ModuleVersion,
    };

    /// <summary>The row with what was forecast for it.</summary>
    internal LoadMeasurement With(LoadForecast forecast) => this with
    {
        Path = forecast.Path,
        Format = forecast.Format,
        Size = forecast.Size,
        TensorCount = forecast.TensorCount,
        ParameterCount = forecast.ParameterCount,
        ModelBytes = forecast.ModelBytes,
        FileBytes = forecast.FileBytes,
        ForecastDeviceBytes = forecast.ForecastDeviceBytes,
        ForecastHostBytes = forecast.ForecastHostBytes,
        ForecastHostFileBytes = forecast.ForecastHostFileBytes,
        ChosenStrategy = forecast.ChosenStrategy,
        ForecastMicroseconds = forecast.ForecastMicroseconds,
        RingBytes = forecast.RingBytes,
        HostBudgetBytes = forecast.HostBudgetBytes,
        HostLimit = forecast.HostLimit,
        DeviceBudgetBytes = forecast.DeviceBudgetBytes,
        Note = forecast.Note,
    };

    /// <summary>The row of a load that did not end well.</summary>
    internal LoadMeasurement Ended(LoadOutcome outcome, MemLoadException reason) =>
        this with { Outcome = outcome.ToString(), Message = $"{reason.Rule.Id}: {reason.Message}" };

    /// <summary>What the row says of a load that did not end well, taken apart again.</summary>
    /// <returns>The id of the rule that was broken, and finding, place and remedy; null for a load that ended well.</returns>
    public (string RuleId, string Text)? Problem()
    {
        if (IsLoaded)
        {
            return null;
        }
        string message = Message ?? "";
        int colon = message.IndexOf(": ", StringComparison.Ordinal);
        return colon < 0 ? (Rules.WorkerFailed.Id, message) : (message[..colon], message[(colon + 2)..]);
    }
}
