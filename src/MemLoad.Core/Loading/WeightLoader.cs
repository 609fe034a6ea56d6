namespace MemLoad;

/// <summary>Loads weights and keeps them: the short way for callers who do not measure.</summary>
public static class WeightLoader
{
    /// <summary>Loads what was asked for, or refuses before memory is touched.</summary>
    /// <returns>The weights and the device they lie on; dispose both by disposing the result.</returns>
    /// <exception cref="MemLoadException">The checkpoint, the device or a limit breaks a rule.</exception>
    public static LoadedModel Load(LoadRequest request, CancellationToken cancellationToken = default)
    {
        var prepared = PreparedLoad.Prepare(request, cancellationToken);
        try
        {
            return new LoadedModel(prepared, prepared.Load(cancellationToken: cancellationToken));
        }
        catch
        {
            prepared.Dispose();
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
