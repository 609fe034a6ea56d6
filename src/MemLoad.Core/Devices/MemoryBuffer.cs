namespace MemLoad;

/// <summary>A block of memory of some pool: host, mapped file or device. Disposing gives it back.</summary>
public abstract class MemoryBuffer(long length) : IDisposable
{
    /// <summary>Usable length in bytes.</summary>
    public long Length { get; } = length;

    /// <summary>Address of the first byte in this process, or 0 where the host cannot touch it directly.</summary>
    public virtual nint Address => 0;

    /// <summary>Copies bytes into the block.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie in the block.</exception>
    public abstract void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Copies bytes out of the block.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie in the block.</exception>
    public abstract void Read(long offset, Span<byte> destination);

    /// <summary>Makes the whole block addressable by the host until the view is disposed; costs nothing where it already is.</summary>
    public virtual HostView MapForHost() =>
        Address != 0 || Length == 0 ? new HostView(Address, null) : throw new NotSupportedException("This memory cannot be mapped.");

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the block back; called once or more.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>Throws unless [offset, offset + count) lies in the block.</summary>
    protected void CheckRange(long offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - count);
    }
}

/// <summary>A window through which the host sees a block.</summary>
/// <param name="Address">Address of the block's first byte.</param>
/// <param name="Owner">What must be disposed to close the window, if anything.</param>
public readonly record struct HostView(nint Address, IDisposable? Owner) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Owner?.Dispose();
}
