namespace MemLoad;

/// <summary>What a device's allocator holds and has held at most, in bytes, as PyTorch counts it.</summary>
/// <param name="Allocated">Given out to tensors (<c>torch.cuda.memory_allocated</c>).</param>
/// <param name="Reserved">Held in segments, given out or cached (<c>torch.cuda.memory_reserved</c>).</param>
/// <param name="PeakAllocated">The most ever allocated.</param>
/// <param name="PeakReserved">The most ever reserved.</param>
public readonly record struct DeviceMemory(long Allocated, long Reserved, long PeakAllocated, long PeakReserved);

/// <summary>A place where weights end up.</summary>
public interface IDevice : IDisposable
{
    /// <summary>Its name: <c>cpu</c>, <c>sim</c>, <c>cuda:0</c> …</summary>
    string Name { get; }

    /// <summary>True if its memory is the host's: then tensors need no copy to get there, and cost host memory.</summary>
    bool IsHost { get; }

    /// <summary>True if what it reserves is the machine's own memory all the same, shared rather than this process's: it counts against
    /// the limits of the machine and of control groups.</summary>
    bool ReservesSharedMemory { get; }

    /// <summary>The most it may reserve, or null where nothing but the machine limits it.</summary>
    long? CapacityBytes { get; }

    /// <summary>What it can still reserve, or null where nothing but the machine limits it.</summary>
    long? FreeBytes { get; }

    /// <summary>What it holds now and has held at most. All zero on the host, which has no memory of its own beside the host's.</summary>
    DeviceMemory Memory { get; }

    /// <summary>What the driver says this process holds on the device, whatever for: context and cached memory are in it. Null where no driver
    /// says; it is another's figure, to hold <see cref="Memory"/> against.</summary>
    long? DriverBytes => null;

    /// <summary>True if tensors that lie in a mapped file must take writes, each into a page of its own, as PyTorch's do.</summary>
    bool MapsWritable => false;

    /// <summary>Allocates a block; its content is undefined.</summary>
    /// <exception cref="MemLoadException">ML7001 or ML7002: the memory is not there.</exception>
    MemoryBuffer Allocate(long bytes);

    /// <summary>Allocates host memory through which bytes pass to this device, of a kind it copies from fastest.</summary>
    /// <exception cref="MemLoadException">ML7001: the memory is not there.</exception>
    MemoryBuffer AllocateStaging(HostMemory host, long bytes) => host.Allocate(bytes);

    /// <summary>Copies the first bytes of one block of this device to another.</summary>
    void Copy(MemoryBuffer source, MemoryBuffer target, long bytes);

    /// <summary>An allocator that counts as this device's does and holds no memory; null where every byte costs exactly itself.</summary>
    CachingAllocator? NewForecastAllocator();

    /// <summary>
    /// What this device makes of filled buffers at the end of a load, such as a framework's tensors over them; null where the buffers are all
    /// there is. The weights dispose it before their memory.
    /// </summary>
    IDisposable? Present(LoadedWeights weights) => null;

    /// <summary>The GPT model on weights of this device, computing where they lie if the device can; else the host looks at them and computes.</summary>
    /// <exception cref="MemLoadException">ML602x: these are not the weights of that model.</exception>
    IGptModel BuildGpt(GptConfig config, LoadedWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return new GptModel(config, name => weights[name]);
    }
}
