namespace MemLoad;

/// <summary>Measured loads of one checkpoint: a forecast before the first, a row for each, their samples kept, and their digests compared.</summary>
public sealed class MeasureSession
{
    private readonly Func<MeasureRequest, CancellationToken, Task<LoadMeasurement>> _measure;
    private readonly HashSet<string?> _digests = new(StringComparer.Ordinal);
    private readonly List<LoadTimeline> _samples = [];
    private readonly string? _samplesPath;

    /// <summary>Prepares to measure; nothing is started yet.</summary>
    /// <param name="loads">The loads, in order; at least one. They load the same tensors, cast alike.</param>
    /// <param name="worker">How to start a child process for each load; null to measure in this process.</param>
    /// <param name="samplesPath">A file that the samples are added to; null if nobody wants them.</param>
    public MeasureSession(IReadOnlyList<MeasureRequest> loads, WorkerCommand? worker, string? samplesPath = null)
    {
        Loads = loads;
        _samplesPath = samplesPath;
        Action<LoadTimeline>? keep = samplesPath is null ? null : _samples.Add;
        _measure = worker is null
            ? (request, token) => Task.Run(() => MeasuredLoad.Run(request, keep, token), token)
            : new LoadMeasurer(worker, keep, id => ChildStarted?.Invoke(id)).MeasureAsync;
    }

    /// <summary>Measures by way of something else, in tests.</summary>
    internal MeasureSession(IReadOnlyList<MeasureRequest> loads, Func<MeasureRequest, Action<LoadTimeline>, LoadMeasurement> measure, string? samplesPath)
    {
        Loads = loads;
        _samplesPath = samplesPath;
        _measure = (request, _) => Task.FromResult(measure(request, _samples.Add));
    }

    /// <summary>A child process was started; this is its id.</summary>
    public event Action<int>? ChildStarted;

    /// <summary>The loads, in order.</summary>
    public IReadOnlyList<MeasureRequest> Loads { get; }

    /// <summary>What the first load would cost. What is wrong with the checkpoint or the device is an error here, before there is a row of each load.</summary>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="MemLoadException">As <see cref="LoadPlanner.Forecast(LoadRequest, CancellationToken)"/>.</exception>
    public LoadForecast Forecast(CancellationToken cancellationToken) => LoadPlanner.Forecast(Loads[0].Load, cancellationToken);

    /// <summary>Measures one of the loads.</summary>
    /// <param name="load">The load.</param>
    /// <param name="cancellationToken">Stops it; the row's outcome is then <see cref="LoadOutcome.Canceled"/>.</param>
    /// <returns>Its row; what goes wrong is the row's outcome and message.</returns>
    public async Task<LoadMeasurement> MeasureAsync(MeasureRequest load, CancellationToken cancellationToken)
    {
        LoadMeasurement row = await _measure(load, cancellationToken).ConfigureAwait(false);
        _digests.Add(row.WeightsDigest);
        return row;
    }

    /// <summary>Adds the samples that were taken since the last time to their file.</summary>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Why they could not be written (ML9102, ML9103 …); they stay for the next time. Null if nothing is left to write.</returns>
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

    /// <summary>Whether loads of the same checkpoint gave different weights, which means that one of them went wrong without an error.</summary>
    /// <returns>The error; null where all digests agree.</returns>
    public MemLoadException? Disagreement() => WeightsDigest.Disagreement(_digests, Loads[0].Load.Path);
}
