namespace MemLoad;

/// <summary>Loads weights and keeps them: the short way for callers who do not measure.</summary>
public static class WeightLoader
{
    /// <summary>Loads what was asked for, or refuses before memory is touched.</summary>
    /// <returns>The weights and the device they lie on; dispose both by disposing the result.</returns>
    /// <exception cref="MemLoadException">The checkpoint, the device or a limit breaks a rule, or the weights are not the manifest's.</exception>
    public static LoadedModel Load(LoadRequest request, CancellationToken cancellationToken = default)
    {
        var prepared = PreparedLoad.Prepare(request, cancellationToken);
        try
        {
            return Load(prepared, cancellationToken);
        }
        catch
        {
            prepared.Dispose();
            throw;
        }
    }

    /// <summary>Loads what was prepared. If the request names a manifest, what lies in memory is held against it.</summary>
    /// <returns>The weights and the device they lie on; dispose both by disposing the result.</returns>
    /// <exception cref="MemLoadException">As <see cref="PreparedLoad.Load"/>; ML6111: they are not the manifest's, and were freed again.</exception>
    public static LoadedModel Load(PreparedLoad prepared, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        LoadedWeights weights = prepared.Load(cancellationToken: cancellationToken);
        try
        {
            if (prepared.Manifest is not null
                && prepared.Difference(WeightsDigest.OfTensors(weights, cancellationToken: cancellationToken)) is MemLoadException difference)
            {
                throw difference;
            }
            return new LoadedModel(prepared, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }
}

/// <summary>Loaded weights together with the device that holds them.</summary>
/// <param name="Prepared">How they were loaded.</param>
/// <param name="Weights">The weights.</param>
public sealed record LoadedModel(PreparedLoad Prepared, LoadedWeights Weights) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Weights.Dispose();
        Prepared.Dispose();
    }
}
