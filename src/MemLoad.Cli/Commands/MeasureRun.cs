namespace MemLoad.Cli;

/// <summary>The loop of <c>measure</c>: one turn after the other. Ctrl-C stops it and keeps the rows so far.</summary>
internal sealed record MeasureRun(IReadOnlyList<LoadMeasurement> Rows, int ExitCode)
{
    public static async Task<MeasureRun> ExecuteAsync(
        IReadOnlyList<IReadOnlyList<MeasureRequest>> turns,
        Func<IReadOnlyList<MeasureRequest>, CancellationToken, Task<IReadOnlyList<LoadMeasurement>>> measure,
        IReadOnlyDictionary<LoadRequest, long>? forecasts,
        LiveView view,
        Action<IReadOnlyList<LoadMeasurement>> print,
        Func<IReadOnlyList<LoadMeasurement>, int> exitCode,
        CancellationToken cancellationToken)
    {
        var rows = new List<LoadMeasurement>();
        try
        {
            for (int i = 0; i < turns.Count && !cancellationToken.IsCancellationRequested; i++)
            {
                MeasureRequest first = turns[i][0];
                string run = turns[^1][0].Run > 1 ? $" #{first.Run}" : "";
                string ranks = first.Load.WithOtherRanks ? $" with {first.Load.RankCount} ranks" : "";
                view.Begin($"measuring {first.Load.Strategy}{ranks}{run} ({i + 1}/{turns.Count})",
                    turns[i].Aggregate((long?)0, (sum, load) => sum + (forecasts?.GetValueOrDefault(load.Load))));
                IReadOnlyList<LoadMeasurement> measured = await measure(turns[i], cancellationToken).ConfigureAwait(false);
                rows.AddRange(measured);
                view.Clear();
                print(measured);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        return Of(rows, exitCode, cancellationToken);
    }

    public static MeasureRun Of(
        IReadOnlyList<LoadMeasurement> rows, Func<IReadOnlyList<LoadMeasurement>, int> exitCode, CancellationToken cancellationToken) =>
        new(rows, cancellationToken.IsCancellationRequested ? Cli.ExitCode.Interrupted : exitCode(rows));
}
