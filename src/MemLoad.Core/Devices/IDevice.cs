namespace MemLoad;

/// <summary>The bytes that the allocator of a device holds, and their peaks, as PyTorch counts them.</summary>
/// <param name="Allocated">The bytes of tensors (<c>torch.cuda.memory_allocated</c>).</param>
/// <param name="Reserved">The bytes of segments, in use or cached (<c>torch.cuda.memory_reserved</c>).</param>
/// <param name="PeakAllocated">The peak of the allocated bytes.</param>
/// <param name="PeakReserved">The peak of the reserved bytes.</param>
internal readonly record struct DeviceMemory(long Allocated, long Reserved, long PeakAllocated, long PeakReserved);

/// <summary>The card behind a device.</summary>
/// <param name="Product">The product, such as <c>NVIDIA H200</c>.</param>
/// <param name="Uuid">The id of the card for monitoring, such as <c>GPU-…</c>; null if the driver does not report it.</param>
/// <param name="DriverVersion">The version of its driver, such as <c>570.86.15</c>; null if the driver does not report it.</param>
internal sealed record DeviceIdentity(string Product, string? Uuid, string? DriverVersion);

/// <summary>A device that holds weights.</summary>
internal interface IDevice : IDisposable
{
    /// <summary>Its name: <c>cpu</c>, <c>sim</c>, <c>cuda:0</c> …</summary>
    string Name { get; }

    /// <summary>True if the device uses host memory. Tensors then need no copy, and they use host memory.</summary>
    bool IsHost { get; }

    /// <summary>
    /// True if the device reserves shared memory of the computer. This memory counts toward the limits of the computer and of control
    /// groups.
    /// </summary>
    bool ReservesSharedMemory => false;

    /// <summary>
    /// True if the host and the device have one memory, as on a system with an integrated accelerator. A limit on host memory then counts
    /// both.
    /// </summary>
    bool IsUnified => false;

    /// <summary>The maximum number of bytes to reserve. Null if only the computer limits the device.</summary>
    long? CapacityBytes => null;

    /// <summary>The number of bytes that can still be reserved. Null if only the computer limits the device.</summary>
    long? FreeBytes => null;

    /// <summary>The bytes that the device holds, and the peaks. All zero on the host, which has no separate memory.</summary>
    DeviceMemory Memory => default;

    /// <summary>
    /// The memory of this process on the device that the driver reports. It includes the context and cached memory. Null without a driver.
    /// It is an independent figure to compare <see cref="Memory"/> with.
    /// </summary>
    long? DriverBytes => null;

    /// <summary>
    /// The largest decrease of the free memory of the card since this device was first used, in bytes. The driver reports it for the card,
    /// so the memory of other processes counts, too. Null without a driver, or before anything was reserved.
    /// </summary>
    long? PeakCardBytes => null;

    /// <summary>The card behind the device. Null if there is none.</summary>
    DeviceIdentity? Identity => null;

    /// <summary>A sentence about work that the device could not do as usual. Null if there is none.</summary>
    string? Remark => null;

    /// <summary>True if tensors in a mapped file must be writable, as in PyTorch. A write changes a private page.</summary>
    bool MapsWritable => false;

    /// <summary>
    /// Creates the resources that the device needs once, such as a context on a card. The budget and the measurement of a load then include
    /// them. A forecast does not need it.
    /// </summary>
    /// <exception cref="MemLoadException">ML7002, ML7004 or ML7008: the device cannot be used.</exception>
    void Start()
    {
    }

    /// <summary>Allocates a block. Its content is undefined.</summary>
    /// <exception cref="MemLoadException">ML7001 or ML7002: the memory is not available.</exception>
    MemoryBuffer Allocate(long bytes);

    /// <summary>Allocates host memory for copies to this device, of the kind with the fastest copies.</summary>
    /// <exception cref="MemLoadException">ML7001: the memory is not available.</exception>
    MemoryBuffer AllocateStaging(HostMemory host, long bytes) => host.Allocate(bytes);

    /// <summary>Fills a block of this device with the first bytes of another. Memory of the host is copied without its device.</summary>
    void Copy(MemoryBuffer source, MemoryBuffer target, Workers workers, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The device has no memory of its own.");

    /// <summary>Returns an allocator with the rounding of this device and without memory. Null if the device does not round.</summary>
    CachingAllocator? NewForecastAllocator() => null;

    /// <summary>
    /// Creates the object that this device needs for filled buffers at the end of a load, such as tensors of a framework. Null if the
    /// device needs only the buffers. The weights dispose it before their memory.
    /// </summary>
    IDisposable? Present(LoadedWeights weights) => null;

    /// <summary>
    /// Creates the GPT model on weights of this device. It computes on the device if the device supports it, otherwise on the host.
    /// </summary>
    /// <exception cref="MemLoadException">ML602x: the weights do not match the model.</exception>
    IGptModel BuildGpt(GptConfig config, LoadedWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return new GptModel(config, name => weights[name]);
    }
}
