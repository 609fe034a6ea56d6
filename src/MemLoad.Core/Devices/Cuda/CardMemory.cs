namespace MemLoad;

/// <summary>Memory of a card. The host reaches it only through copies.</summary>
internal abstract unsafe class CardMemory(long bytes) : MemoryBuffer(bytes)
{
    public sealed override void Write(long offset, ReadOnlySpan<byte> source)
    {
        CheckRange(offset, source.Length);
        if (source.Length > 0)
        {
            fixed (byte* from = source)
            {
                Upload(offset, (nint)from, source.Length);
            }
        }
    }

    public sealed override void Read(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        if (destination.Length > 0)
        {
            fixed (byte* to = destination)
            {
                Download((nint)to, offset, destination.Length);
            }
        }
    }

    /// <summary>A copy on the host, because the memory of a card cannot be mapped. Writes to the copy are not copied back.</summary>
    public sealed override HostView MapForHost() => HostMemory.ViewOfCopy(Length, copy => Download(copy, 0, Length));

    /// <summary>Copies memory of the host to an offset of this memory. Returns when it is copied.</summary>
    protected abstract void Upload(long offset, nint host, long bytes);

    /// <summary>Copies a range of this memory to memory of the host. Returns when it is copied.</summary>
    protected abstract void Download(nint host, long offset, long bytes);
}
