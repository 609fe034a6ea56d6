namespace MemLoad;

/// <summary>Loads weights and keeps them, for callers that do not measure.</summary>
public static class WeightLoader
{
    /// <summary>Loads the weights of a request, or refuses the load before memory is touched.</summary>
    /// <returns>The weights and their device. Disposing the result disposes both.</returns>
    /// <exception cref="MemLoadException">The checkpoint, the device or a limit breaks a rule, or the weights differ from the
    /// manifest.</exception>
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

    /// <summary>Executes a prepared load. If the request has a manifest, the loaded weights are compared with it.</summary>
    /// <returns>The weights and their device. Disposing the result disposes both.</returns>
    /// <exception cref="MemLoadException">As <see cref="PreparedLoad.Load"/>; ML6111: the weights differ from the manifest and were freed
    /// again.</exception>
    public static LoadedModel Load(PreparedLoad prepared, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        LoadedWeights weights = prepared.Load(cancellationToken: cancellationToken);
        try
        {
            if (prepared.Manifest is not null
                && prepared.Difference(WeightsDigest.OfTensors(weights, cancellationToken: cancellationToken))
                    is MemLoadException difference)
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

/// <summary>Loaded weights with the device that holds them.</summary>
/// <param name="Prepared">The load that made them.</param>
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
