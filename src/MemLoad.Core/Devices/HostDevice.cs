namespace MemLoad;

/// <summary>The device <c>cpu</c>: weights are in the memory of the host.</summary>
internal sealed class HostDevice : IDevice
{
    private const int PieceBytes = 1 << 30;

    private readonly HostMemory _memory = new();

    public string Name => "cpu";
    public bool IsHost => true;

    public MemoryBuffer Allocate(long bytes) => _memory.Allocate(bytes);

    public unsafe void Copy(MemoryBuffer source, MemoryBuffer target, long bytes)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        for (long done = 0; done < bytes; done += PieceBytes)
        {
            target.Write(done, new ReadOnlySpan<byte>((byte*)source.Address + done, (int)Math.Min(PieceBytes, bytes - done)));
        }
    }

    public void Dispose() => _memory.Dispose();
}
