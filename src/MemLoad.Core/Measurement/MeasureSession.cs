namespace MemLoad;

/// <summary>
/// Measured loads of one checkpoint: a forecast before the first load, one row per load, samples that are kept, and digests that are
/// compared.
/// </summary>
public sealed class MeasureSession
{
    private readonly Func<IReadOnlyList<MeasureRequest>, CancellationToken, Task<LoadMeasurement[]>> _measure;
    private readonly HashSet<(long? Rank, string? Digest)> _digests = [];
    private readonly HashSet<CheckpointFile> _files = []; // as they were at the forecast
    private readonly PendingSamples _samples;

    /// <summary>Creates a session. No process is started yet.</summary>
    /// <param name="loads">The loads, in order; at least one. They load the same tensors with the same cast.</param>
    /// <param name="worker">How to start one child process per load; null to measure in this process. For children of the running program,
    /// as null means for a <see cref="LoadMeasurer"/>, give <see cref="WorkerCommand.ForThisProgram"/>.</param>
    /// <param name="samplesPath">A file that the samples are appended to; null if they are not needed.</param>
    /// <exception cref="ArgumentException">There is no load.</exception>
    /// <exception cref="MemLoadException">ML7009: ranks load at the same time, which one process cannot measure.</exception>
    public MeasureSession(IReadOnlyList<MeasureRequest> loads, WorkerCommand? worker, string? samplesPath = null)
    {
        Loads = NotEmpty(loads);
        _samples = new PendingSamples(samplesPath);
        if (worker is null && loads.Any(load => load.Load.WithOtherRanks))
        {
            throw Rules.RanksApart.Broken("ranks that load at the same time are not measured in one process",
                remedy: $"Measure in a new process for each load, or name the one rank that loads ({Setting.Rank}).");
        }
        _measure = worker is null
            ? (turn, token) => Task.Run(() => new[] { MeasuredLoad.Run(turn[0], _samples.Receiver, token) }, CancellationToken.None)
            : new LoadMeasurer(worker, _samples.Receiver, id => ChildStarted?.Invoke(id)).MeasureAsync;
    }

    /// <summary>Creates a session that measures with another function, for tests.</summary>
    internal MeasureSession(IReadOnlyList<MeasureRequest> loads, Func<MeasureRequest, Action<LoadTimeline>, LoadMeasurement> measure,
        string? samplesPath)
    {
        Loads = NotEmpty(loads);
        _samples = new PendingSamples(samplesPath);
        _measure = (turn, _) => Task.FromResult<LoadMeasurement[]>([.. turn.Select(load => measure(load, _samples.Add))]);
    }

    /// <summary>Raised when a child process starts, with its id.</summary>
    public event Action<int>? ChildStarted;

    /// <summary>The loads, in order.</summary>
    public IReadOnlyList<MeasureRequest> Loads { get; }

    /// <summary>The loads in groups that are measured at the same time: all ranks of a checkpoint, or one load.</summary>
    public IEnumerable<IReadOnlyList<MeasureRequest>> Turns => LoadRequest.InTurns(Loads, load => load.Load);

    /// <summary>
    /// Returns the forecast of the first load. A problem of the checkpoint or of any device is an error here, before there is one row per
    /// load.
    /// </summary>
    /// <param name="cancellationToken">Cancels the forecast.</param>
    /// <exception cref="MemLoadException">As <see cref="LoadPlanner.Forecast(LoadRequest, CancellationToken)"/>.</exception>
    public LoadForecast Forecast(CancellationToken cancellationToken)
    {
        RemoteAddress.RefuseBytes(Loads[0].Load.Path);
        LoadForecast? first = null;
        _files.Clear();
        foreach (PreparedLoad prepared in PreparedLoad.ForecastEach(
            [.. Turns.DistinctBy(turn => turn[0].Load.Device).SelectMany(turn => turn.Select(load => load.Load))], cancellationToken))
        {
            using (prepared)
            {
                first ??= prepared.ToRow();
                _files.UnionWith(prepared.Checkpoint.Files);
            }
        }
        return first!;
    }

    /// <summary>Measures one of the loads.</summary>
    /// <param name="load">The load to measure.</param>
    /// <param name="cancellationToken">Cancels the load. The outcome of the row is then <see cref="LoadOutcome.Canceled"/>.</param>
    /// <returns>The row. If the load fails, the row has the outcome and the message.</returns>
    public async Task<LoadMeasurement> MeasureAsync(MeasureRequest load, CancellationToken cancellationToken) =>
        (await MeasureAsync([load], cancellationToken).ConfigureAwait(false))[0];

    /// <summary>Measures loads at the same time.</summary>
    /// <param name="turn">The loads, one of <see cref="Turns"/>.</param>
    /// <param name="cancellationToken">Cancels the loads. The outcome of the rows is then <see cref="LoadOutcome.Canceled"/>.</param>
    /// <returns>One row per load, in their order. If a load fails, its row has the outcome and the message.</returns>
    public async Task<IReadOnlyList<LoadMeasurement>> MeasureAsync(
        IReadOnlyList<MeasureRequest> turn, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(turn);
        if (turn.Count > 1)
        {
            try
            {
                turn = [.. turn.Zip(PreparedLoad.Together([.. turn.Select(load => load.Load)], cancellationToken),
                    (load, together) => load with { Load = together })];
            }
            catch (MemLoadException e)
            {
                // The checkpoint changed after the forecast. An exception would cost the rows of earlier turns.
                return Ended(turn, LoadOutcome.Failed, e);
            }
            catch (OperationCanceledException)
            {
                return Ended(turn, LoadOutcome.Canceled, Rules.Interrupted.Broken("the measurement was interrupted"));
            }
        }
        LoadMeasurement[] rows = await _measure(turn, cancellationToken).ConfigureAwait(false);
        _digests.UnionWith(rows.Select(row => (row.Rank, row.WeightsDigest)));
        if (rows.Length == 1)
        {
            return rows;
        }
        // Each sum is null if a summand is.
        long? forecast = rows.Aggregate((long?)0, (sum, row) => sum + row.ForecastHostBytes);
        long? peak = rows.Aggregate((long?)0, (sum, row) => sum + row.PeakHostBytes);
        return [.. rows.Select(row => row with { RanksForecastHostBytes = forecast, RanksPeakHostBytes = peak })];
    }

    /// <summary>Appends the samples that were taken since the last call to their file.</summary>
    /// <param name="cancellationToken">Cancels the write.</param>
    /// <returns>The reason why they could not be written (ML9102, ML9103 …). They are kept for the next call. Null if all samples are
    /// written.</returns>
    public MemLoadException? KeepSamples(CancellationToken cancellationToken) => _samples.Write(cancellationToken);

    /// <summary>
    /// Compares the digests of loads of the same weights: of the same rank of a checkpoint. Different digests mean that a load went wrong
    /// without an error, or that a file changed after <see cref="Forecast"/>.
    /// </summary>
    /// <returns>The error; null if all digests are equal.</returns>
    public MemLoadException? Disagreement()
    {
        MemLoadException? different = _digests.GroupBy(seen => seen.Rank, seen => seen.Digest)
            .Select(rank => WeightsDigest.Disagreement(rank, Loads[0].Load.Path)).FirstOrDefault(difference => difference is not null);
        return different is not null && ChangeOfFiles() is string change
            ? Rules.DigestsDiffer.Broken($"{different.Finding}, and a file of it changed after the forecast: {change}", different.Path,
                remedy: "Measure again when no program writes to the checkpoint.")
            : different;
    }

    private string? ChangeOfFiles()
    {
        try
        {
            foreach (CheckpointFile file in _files)
            {
                CheckpointFileReader.Reopen(file).Dispose();
            }
            return null;
        }
        catch (MemLoadException e)
        {
            return e.Finding;
        }
    }

    private static LoadMeasurement[] Ended(IReadOnlyList<MeasureRequest> turn, LoadOutcome outcome, MemLoadException why) =>
        [.. turn.Select(load => LoadMeasurement.Begun(load).Ended(outcome, why).Judged(load.WarnAbove, load.FailAbove))];

    private static IReadOnlyList<MeasureRequest> NotEmpty(IReadOnlyList<MeasureRequest> loads)
    {
        ArgumentNullException.ThrowIfNull(loads);
        return loads.Count > 0 ? loads : throw new ArgumentException("A session has at least one load.", nameof(loads));
    }
}
