namespace MemLoad;

/// <summary>The device <c>cpu</c>: weights are in the memory of the host.</summary>
internal sealed class HostDevice : IDevice
{
    private readonly HostMemory _memory = new();

    public string Name => "cpu";
    public bool IsHost => true;

    public MemoryBuffer Allocate(long bytes) => _memory.Allocate(bytes);

    public void Dispose() => _memory.Dispose();
}
