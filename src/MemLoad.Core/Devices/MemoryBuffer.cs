namespace MemLoad;

/// <summary>A block of memory of some pool: host, mapped file or device. Disposing gives it back, once nobody else holds it.</summary>
public abstract class MemoryBuffer(long length) : IDisposable
{
    private int _holders = 1;
    private int _disposed;

    /// <summary>Usable length in bytes.</summary>
    public long Length { get; } = length;

    /// <summary>Address of the first byte in this process, or 0 where the host cannot touch it directly.</summary>
    public virtual nint Address => 0;

    /// <summary>So many bytes behind the block can be touched and are nobody's: whoever fills it may write over them.</summary>
    public virtual long Spare => 0;

    /// <summary>Has the memory of a range made that is to be overwritten, where making it is worth a call of its own. What is there already stays.</summary>
    public virtual void Prepare(long offset, int count)
    {
    }

    /// <summary>Copies bytes into the block.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie in the block.</exception>
    public abstract void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Copies bytes out of the block.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie in the block.</exception>
    public abstract void Read(long offset, Span<byte> destination);

    /// <summary>Makes the whole block addressable by the host until the view is disposed; costs nothing where it already is.</summary>
    public virtual HostView MapForHost() =>
        Address != 0 || Length == 0 ? new HostView(Address, null) : throw new NotSupportedException("This memory cannot be mapped.");

    /// <summary>Throws if what the block holds is no longer what was loaded: the file behind a mapping may change. To be called after the bytes were
    /// read and before what came of them is used.</summary>
    /// <exception cref="MemLoadException">ML1006.</exception>
    public virtual void RequireIntact()
    {
    }

    /// <summary>
    /// Keeps the memory until <see cref="LetGo"/>, even if the block is disposed meanwhile: for whoever looks at it from elsewhere, such as a
    /// framework's tensor.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The memory was given back before.</exception>
    public void Hold()
    {
        int holders = Volatile.Read(ref _holders);
        while (true)
        {
            ObjectDisposedException.ThrowIf(holders == 0, this);
            int seen = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (seen == holders)
            {
                return;
            }
            holders = seen;
        }
    }

    /// <summary>Ends one <see cref="Hold"/>; the last to let go gives the memory back.</summary>
    public void LetGo()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            Dispose(true);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            LetGo();
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the block back; called once.</summary>
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
