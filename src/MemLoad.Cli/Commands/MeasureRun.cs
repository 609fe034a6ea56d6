namespace MemLoad.Cli;

/// <summary>The loop of <c>measure</c>: one request after the other, stopped by Ctrl-C without losing the rows that are there.</summary>
internal sealed record MeasureRun(IReadOnlyList<LoadMeasurement> Rows, int ExitCode)
{
    public static async Task<MeasureRun> ExecuteAsync(
        IReadOnlyList<LoadRequest> requests,
        Func<LoadRequest, CancellationToken, Task<LoadMeasurement>> measure,
        IReadOnlyDictionary<Strategy, long>? forecasts,
        LiveView view,
        CancellationToken cancellationToken)
    {
        var rows = new List<LoadMeasurement>();
        try
        {
            for (int i = 0; i < requests.Count && !cancellationToken.IsCancellationRequested; i++)
            {
                string run = requests[^1].Run > 1 ? $" #{requests[i].Run}" : "";
                view.Begin($"measuring {requests[i].Strategy}{run} ({i + 1}/{requests.Count})", forecasts?.GetValueOrDefault(requests[i].Strategy));
                rows.Add(await measure(requests[i], cancellationToken).ConfigureAwait(false));
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        return new MeasureRun(rows, Judge(rows, cancellationToken.IsCancellationRequested));
    }

    private static int Judge(List<LoadMeasurement> rows, bool interrupted)
    {
        if (interrupted)
        {
            return Cli.ExitCode.Interrupted;
        }
        bool loaded = rows.All(row => row.Outcome == nameof(LoadOutcome.Loaded));
        // The same checkpoint was asked for in every row: two digests mean that a load went wrong in silence.
        bool agree = rows.Select(row => row.WeightsDigest).Where(digest => digest is not null).Distinct().Count() <= 1;
        return loaded && agree ? Cli.ExitCode.Done : Cli.ExitCode.Failed;
    }
}
