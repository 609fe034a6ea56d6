namespace MemLoad.Torch;

/// <summary>
/// The device <c>torch:cpu</c>: host memory, as on <c>cpu</c>, under tensors of libtorch. Plans, reads and mappings are the same; a tensor lies
/// where the plan put its bytes, in a mapped file if that is where they are.
/// </summary>
internal sealed class TorchCpuDevice : IDevice
{
    public const string DeviceName = "torch:cpu";

    private readonly HostDevice _host = new();

    public string Name => DeviceName;

    public bool IsHost => true;

    public bool ReservesSharedMemory => false;

    public long? CapacityBytes => null;

    public long? FreeBytes => null;

    public DeviceMemory Memory => default;

    // PyTorch maps privately: an operation in place on a mapped tensor costs the pages it writes, not the process.
    public bool MapsWritable => true;

    public MemoryBuffer Allocate(long bytes) => _host.Allocate(bytes);

    public void Copy(MemoryBuffer source, MemoryBuffer target, long bytes) => _host.Copy(source, target, bytes);

    public CachingAllocator? NewForecastAllocator() => null;

    public IDisposable Present(LoadedWeights weights) => new TorchStateDict(weights, storage =>
    {
        (MemoryBuffer memory, long offset) = weights.MemoryOf(storage);
        return TensorMemory.Over(memory, offset, weights.StorageLengths[storage]);
    });

    public IGptModel BuildGpt(GptConfig config, LoadedWeights weights) => new TorchGptModel(config, weights);

    public void Dispose() => _host.Dispose();
}
