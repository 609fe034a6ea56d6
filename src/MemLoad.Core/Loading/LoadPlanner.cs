namespace MemLoad;

/// <summary>Forecasts without loading.</summary>
public static class LoadPlanner
{
    /// <summary>Returns the forecast of a load, from headers alone.</summary>
    /// <exception cref="MemLoadException">The checkpoint, the device or the selection breaks a rule. An exceeded limit does not throw: the
    /// row says that the load does not fit.</exception>
    public static LoadForecast Forecast(LoadRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Forecast([request], cancellationToken).Single();
    }

    /// <summary>Returns the forecasts of loads of one checkpoint, which is opened once.</summary>
    /// <param name="requests">Requests that differ only in strategy, device and limits.</param>
    /// <param name="cancellationToken">Cancels the forecasts.</param>
    /// <exception cref="MemLoadException">As <see cref="Forecast(LoadRequest, CancellationToken)"/>.</exception>
    public static IEnumerable<LoadForecast> Forecast(IReadOnlyList<LoadRequest> requests, CancellationToken cancellationToken = default)
    {
        foreach (PreparedLoad prepared in PreparedLoad.ForecastEach(requests, cancellationToken))
        {
            using (prepared)
            {
                yield return prepared.ToRow();
            }
        }
    }

    /// <summary>Returns the steps of each plan with the running totals of every pool.</summary>
    /// <param name="requests">Requests that differ only in strategy, device and limits.</param>
    /// <param name="planned">Receives each load before its steps; null if it is not needed.</param>
    /// <param name="cancellationToken">Cancels the forecasts.</param>
    /// <exception cref="MemLoadException">As <see cref="Forecast(LoadRequest, CancellationToken)"/>.</exception>
    public static IEnumerable<LoadPlanStep> Steps(
        IReadOnlyList<LoadRequest> requests, Action<PreparedLoad>? planned = null, CancellationToken cancellationToken = default)
    {
        foreach (PreparedLoad prepared in PreparedLoad.ForecastEach(requests, cancellationToken))
        {
            using (prepared)
            {
                planned?.Invoke(prepared);
                foreach (LoadPlanStep step in LoadPlanStep.Of(prepared))
                {
                    yield return step;
                }
            }
        }
    }
}
