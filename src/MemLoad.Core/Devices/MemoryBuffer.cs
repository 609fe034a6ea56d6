namespace MemLoad;

/// <summary>A block of memory of the host, of a mapped file or of a device. Disposing frees it when no other reference remains.</summary>
public abstract class MemoryBuffer(long length) : IDisposable
{
    private int _references = 1;
    private int _disposed;

    /// <summary>Usable length in bytes.</summary>
    public long Length { get; } = length;

    /// <summary>Address of the first byte in this process, or 0 if the host cannot access it directly.</summary>
    public virtual nint Address => 0;

    /// <summary>The number of unused bytes after the block. Code that fills the block may overwrite them.</summary>
    public virtual long PaddingBytes => 0;

    /// <summary>Creates the memory of a range that will be overwritten, if a separate call is useful. Existing content stays.</summary>
    public virtual void Prepare(long offset, int count)
    {
    }

    /// <summary>Copies bytes into the block.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not in the block.</exception>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    public abstract void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Copies bytes out of the block.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not in the block.</exception>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    public abstract void Read(long offset, Span<byte> destination);

    /// <summary>
    /// Makes the whole block addressable by the host until the view is disposed. It has no cost if the block is addressable.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    public virtual HostView MapForHost()
    {
        CheckRange(0, 0);
        return Address != 0 || Length == 0 ? new HostView(Address, null)
            : throw new NotSupportedException("This memory cannot be mapped.");
    }

    /// <summary>
    /// Throws if the block no longer has the loaded bytes, because a mapped file can change. Call it after the bytes were read and before
    /// results are used.
    /// </summary>
    /// <exception cref="MemLoadException">ML1006.</exception>
    public virtual void RequireIntact()
    {
    }

    /// <summary>
    /// Keeps the memory until <see cref="Release"/>, even if the block is disposed before. For other users of the memory, such as a tensor
    /// of a framework.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The memory was given back before.</exception>
    public void AddReference()
    {
        int references = Volatile.Read(ref _references);
        while (true)
        {
            ObjectDisposedException.ThrowIf(references == 0, this);
            int seen = Interlocked.CompareExchange(ref _references, references + 1, references);
            if (seen == references)
            {
                return;
            }
            references = seen;
        }
    }

    /// <summary>Ends one <see cref="AddReference"/>. The last reference frees the memory.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            Dispose(true);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Release();
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the block. Called once.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>Throws unless the block is in memory, and [offset, offset + count) is in the block.</summary>
    protected void CheckRange(long offset, int count)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _references) == 0, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - count);
    }
}

/// <summary>A view of a block in the address space of the host.</summary>
/// <param name="Address">Address of the first byte of the block.</param>
/// <param name="Owner">The object to dispose with the view, or null.</param>
public readonly record struct HostView(nint Address, IDisposable? Owner) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Owner?.Dispose();
}
