namespace MemLoad.Models;

/// <summary>The weights of a model and the device that they lie on. The model holds them, and so does every command that uses them: they go with the last.</summary>
internal sealed class HeldWeights(LoadedWeights weights, IDevice device, IDisposable owner) : IDisposable
{
    private int _holders = 1;

    public LoadedWeights Weights { get; } = weights;

    public IDevice Device { get; } = device;

    /// <summary>A model over them, once one was made; for one run at a time.</summary>
    public IGptModel? Runnable { get; set; }

    /// <summary>Whether nobody but the model holds them.</summary>
    public bool AreModelsOnly => Volatile.Read(ref _holders) == 1;

    /// <summary>One holder more, which <see cref="Dispose"/> takes back. Only for who knows that somebody holds them.</summary>
    public HeldWeights Hold()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    /// <summary>One holder less.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            Weights.Dispose();
            owner.Dispose();
        }
    }
}
