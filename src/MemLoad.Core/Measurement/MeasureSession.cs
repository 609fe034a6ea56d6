namespace MemLoad;

/// <summary>
/// Measured loads of one checkpoint: a forecast before the first load, one row per load, samples that are kept, and digests that are
/// compared.
/// </summary>
public sealed class MeasureSession
{
    private readonly Func<MeasureRequest, CancellationToken, Task<LoadMeasurement>> _measure;
    private readonly HashSet<string?> _digests = new(StringComparer.Ordinal);
    private readonly List<LoadTimeline> _samples = [];
    private readonly string? _samplesPath;

    /// <summary>Creates a session. No process is started yet.</summary>
    /// <param name="loads">The loads, in order; at least one. They load the same tensors with the same cast.</param>
    /// <param name="worker">How to start one child process per load; null to measure in this process.</param>
    /// <param name="samplesPath">A file that the samples are appended to; null if they are not needed.</param>
    public MeasureSession(IReadOnlyList<MeasureRequest> loads, WorkerCommand? worker, string? samplesPath = null)
    {
        Loads = loads;
        _samplesPath = samplesPath;
        Action<LoadTimeline>? keep = samplesPath is null ? null : _samples.Add;
        _measure = worker is null
            ? (request, token) => Task.Run(() => MeasuredLoad.Run(request, keep, token), token)
            : new LoadMeasurer(worker, keep, id => ChildStarted?.Invoke(id)).MeasureAsync;
    }

    /// <summary>Creates a session that measures with another function, for tests.</summary>
    internal MeasureSession(IReadOnlyList<MeasureRequest> loads, Func<MeasureRequest, Action<LoadTimeline>, LoadMeasurement> measure,
        string? samplesPath)
    {
        Loads = loads;
        _samplesPath = samplesPath;
        _measure = (request, _) => Task.FromResult(measure(request, _samples.Add));
    }

    /// <summary>Raised when a child process starts, with its id.</summary>
    public event Action<int>? ChildStarted;

    /// <summary>The loads, in order.</summary>
    public IReadOnlyList<MeasureRequest> Loads { get; }

    /// <summary>
    /// Returns the forecast of the first load. A problem of the checkpoint or of any device is an error here, before there is one row per
    /// load.
    /// </summary>
    /// <param name="cancellationToken">Cancels the forecast.</param>
    /// <exception cref="MemLoadException">As <see cref="LoadPlanner.Forecast(LoadRequest, CancellationToken)"/>.</exception>
    public LoadForecast Forecast(CancellationToken cancellationToken) =>
        LoadPlanner.Forecast([.. Loads.Select(load => load.Load).DistinctBy(load => load.Device)], cancellationToken).ToList()[0];

    /// <summary>Measures one of the loads.</summary>
    /// <param name="load">The load to measure.</param>
    /// <param name="cancellationToken">Cancels the load. The outcome of the row is then <see cref="LoadOutcome.Canceled"/>.</param>
    /// <returns>The row. If the load fails, the row has the outcome and the message.</returns>
    public async Task<LoadMeasurement> MeasureAsync(MeasureRequest load, CancellationToken cancellationToken)
    {
        LoadMeasurement row = await _measure(load, cancellationToken).ConfigureAwait(false);
        _digests.Add(row.WeightsDigest);
        return row;
    }

    /// <summary>Appends the samples that were taken since the last call to their file.</summary>
    /// <param name="cancellationToken">Cancels the write.</param>
    /// <returns>Why they could not be written (ML9102, ML9103 …); they are kept for the next call. Null if all samples are
    /// written.</returns>
    public MemLoadException? KeepSamples(CancellationToken cancellationToken)
    {
        if (_samplesPath is null || _samples.Count == 0)
        {
            return null;
        }
        try
        {
            TimelineFile.Append(_samplesPath, _samples, cancellationToken);
            _samples.Clear();
            return null;
        }
        catch (MemLoadException e)
        {
            return e;
        }
    }

    /// <summary>
    /// Compares the digests of loads of the same checkpoint. Different digests mean that a load went wrong without an error.
    /// </summary>
    /// <returns>The error; null if all digests are equal.</returns>
    public MemLoadException? Disagreement() => WeightsDigest.Disagreement(_digests, Loads[0].Load.Path);
}
