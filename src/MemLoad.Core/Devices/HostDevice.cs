namespace MemLoad;

/// <summary>The device <c>cpu</c>: weights are in the memory of the host.</summary>
internal sealed class HostDevice : IDevice
{
    private const int PieceBytes = 1 << 30;

    private readonly HostMemory _memory = new();

    /// <inheritdoc/>
    public string Name => "cpu";

    /// <inheritdoc/>
    public bool IsHost => true;

    /// <inheritdoc/>
    public bool ReservesSharedMemory => false;

    /// <inheritdoc/>
    public long? CapacityBytes => null;

    /// <inheritdoc/>
    public long? FreeBytes => null;

    /// <inheritdoc/>
    public DeviceMemory Memory => default;

    /// <inheritdoc/>
    public MemoryBuffer Allocate(long bytes) => _memory.Allocate(bytes);

    /// <inheritdoc/>
    public unsafe void Copy(MemoryBuffer source, MemoryBuffer target, long bytes)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        for (long done = 0; done < bytes; done += PieceBytes)
        {
            target.Write(done, new ReadOnlySpan<byte>((byte*)source.Address + done, (int)Math.Min(PieceBytes, bytes - done)));
        }
    }

    /// <inheritdoc/>
    public CachingAllocator? NewForecastAllocator() => null;

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
