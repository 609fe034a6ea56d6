namespace MemLoad;

/// <summary>The memory of a simulated device. As with the memory of a card, the host cannot access it without mapping it.</summary>
internal abstract class DevicePool : IDisposable
{
    public static DevicePool Create() => OperatingSystem.IsLinux() ? new KernelPool() : new SectionPool();

    public abstract void Write(long offset, ReadOnlySpan<byte> source);

    public abstract void Read(long offset, Span<byte> destination);

    public abstract HostView Map(long offset, long length);

    /// <summary>Provides the memory of a new segment.</summary>
    public abstract void Add(long offset, long length);

    /// <summary>Returns the memory of a segment to the system.</summary>
    public abstract void Release(long offset, long length);

    public abstract void Dispose();
}
