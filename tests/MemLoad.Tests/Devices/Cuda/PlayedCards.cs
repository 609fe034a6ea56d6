using MemLoad.PlayedCuda;

namespace MemLoad.Tests.Devices.Cuda;

/// <summary>
/// A driver that is simulated in host memory, for one test. A resource that a test does not release fails the test at its end.
/// </summary>
internal sealed class PlayedCards : IDisposable
{
    /// <summary>There is one played driver per process, so its tests run one after the other.</summary>
    public const string Collection = "the played CUDA driver";

    public PlayedCards(PlayedOptions? options = null, Func<string, nint>? resolve = null)
    {
        PlayedDriver.Reset(options ?? new PlayedOptions());
        Driver = new CudaDriver(new CudaFunctions(resolve ?? PlayedDriver.Resolve), new Nvml(resolve ?? PlayedDriver.Resolve));
    }

    public CudaDriver Driver { get; }

    public CudaDevice Open(long? limitBytes = null) => Driver.OpenDevice(0, limitBytes);

    public void Dispose() => Assert.Empty(PlayedDriver.Leaks());
}

/// <summary>See <see cref="PlayedCards.Collection"/>.</summary>
[CollectionDefinition(PlayedCards.Collection)]
public sealed class PlayedCardsTests;
