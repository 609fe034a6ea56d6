namespace MemLoad.Torch;

/// <summary>
/// The device <c>torch:cpu</c>: host memory, as on <c>cpu</c>, for tensors of libtorch. Plans, reads and mappings are the same. A tensor
/// uses the memory that the plan filled, which can be a mapped file.
/// </summary>
internal sealed class TorchCpuDevice : IDevice
{
    public const string DeviceName = "torch:cpu";

    private readonly HostDevice _host = new();

    public string Name => DeviceName;
    public bool IsHost => true;

    // PyTorch uses private mappings. An in-place operation on a mapped tensor then copies the pages that it writes, and does not end the
    // process.
    public bool MapsWritable => true;

    public MemoryBuffer Allocate(long bytes) => _host.Allocate(bytes);

    public IDisposable Present(LoadedWeights weights) => new TorchStateDict(weights, storage =>
    {
        (MemoryBuffer memory, long offset) = weights.MemoryOf(storage);
        return TensorMemory.Over(memory, offset, weights.StorageLengths[storage]);
    });

    public IGptModel BuildGpt(GptConfig config, LoadedWeights weights) => new TorchGptModel(config, weights);

    public void Dispose() => _host.Dispose();
}
