namespace MemLoad.Models;

/// <summary>
/// The weights of a model and their device. The model and every command that uses the weights hold them. The last holder frees them.
/// </summary>
internal sealed class HeldWeights(LoadedWeights weights, IDevice device, IDisposable owner) : IDisposable
{
    private int _holders = 1;

    public LoadedWeights Weights { get; } = weights;
    public IDevice Device { get; } = device;

    /// <summary>A model over the weights, after the first run; for one run at a time.</summary>
    public IGptModel? Runnable { get; set; }

    /// <summary>Whether only the model holds the weights.</summary>
    public bool AreModelsOnly => Volatile.Read(ref _holders) == 1;

    /// <summary>Adds a holder, which <see cref="Dispose"/> removes. The caller must know that the weights have a holder.</summary>
    public HeldWeights Hold()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            Weights.Dispose();
            owner.Dispose();
        }
    }
}
