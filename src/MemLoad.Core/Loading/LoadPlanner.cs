namespace MemLoad;

/// <summary>Forecasts without loading.</summary>
public static class LoadPlanner
{
    /// <summary>What a load would cost, from headers alone.</summary>
    /// <exception cref="MemLoadException">The checkpoint, the device or the selection breaks a rule. A limit that is exceeded does not throw:
    /// the row says that it does not fit.</exception>
    public static LoadForecast Forecast(LoadRequest request, CancellationToken cancellationToken = default)
    {
        using var prepared = PreparedLoad.Prepare(request, cancellationToken);
        return prepared.ToRow();
    }
}
