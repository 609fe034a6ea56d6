namespace MemLoad;

/// <summary>Forecasts without loading.</summary>
public static class LoadPlanner
{
    /// <summary>What a load would cost, from headers alone.</summary>
    /// <exception cref="MemLoadException">The checkpoint, the device or the selection breaks a rule. A limit that is exceeded does not throw:
    /// the row says that it does not fit.</exception>
    public static LoadForecast Forecast(LoadRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Forecast([request], cancellationToken).Single();
    }

    /// <summary>What loads of one checkpoint would cost; it is opened once.</summary>
    /// <param name="requests">Requests that differ in how and where to load only.</param>
    /// <param name="cancellationToken">Stops it.</param>
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

    /// <summary>The steps of each plan with the running totals of every pool.</summary>
    /// <param name="requests">Requests that differ in how and where to load only.</param>
    /// <param name="planned">Takes each load before its steps come; null if nobody wants them.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="MemLoadException">As <see cref="Forecast(LoadRequest, CancellationToken)"/>.</exception>
    public static IEnumerable<LoadPlanStep> Steps(
        IReadOnlyList<LoadRequest> requests, Action<PreparedLoad>? planned = null, CancellationToken cancellationToken = default)
    {
        foreach (PreparedLoad prepared in PreparedLoad.ForecastEach(requests, cancellationToken))
        {
            using (prepared)
            {
                planned?.Invoke(prepared);
                foreach (LoadPlanStep step in LoadPlanStep.Of(prepared.Plan, prepared.Forecast, prepared.Device))
                {
                    yield return step;
                }
            }
        }
    }
}
