namespace MemLoad.Cli;

/// <summary>The loop of <c>measure</c>: one load after the other. Ctrl-C stops it and keeps the rows so far.</summary>
internal sealed record MeasureRun(IReadOnlyList<LoadMeasurement> Rows, int ExitCode)
{
    public static async Task<MeasureRun> ExecuteAsync(
        IReadOnlyList<MeasureRequest> loads,
        Func<MeasureRequest, CancellationToken, Task<LoadMeasurement>> measure,
        IReadOnlyDictionary<LoadRequest, long>? forecasts,
        LiveView view,
        CancellationToken cancellationToken)
    {
        var rows = new List<LoadMeasurement>();
        try
        {
            for (int i = 0; i < loads.Count && !cancellationToken.IsCancellationRequested; i++)
            {
                string run = loads[^1].Run > 1 ? $" #{loads[i].Run}" : "";
                view.Begin($"measuring {loads[i].Load.Strategy}{run} ({i + 1}/{loads.Count})", forecasts?.GetValueOrDefault(loads[i].Load));
                rows.Add(await measure(loads[i], cancellationToken).ConfigureAwait(false));
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        int code = cancellationToken.IsCancellationRequested ? Cli.ExitCode.Interrupted
            : rows.All(row => row.IsLoaded) ? Cli.ExitCode.Done : Cli.ExitCode.Failed;
        return new MeasureRun(rows, code);
    }
}
