namespace MemLoad;

/// <summary>Host memory that a card reads directly, until it is disposed.</summary>
internal sealed class PinnedMemory : MemoryBuffer
{
    private readonly MemoryBuffer _memory;
    private readonly Action<nint> _unpin;

    private PinnedMemory(MemoryBuffer memory, Action<nint> unpin) : base(memory.Length)
    {
        _memory = memory;
        _unpin = unpin;
    }

    public override nint Address => _memory.Address;

    /// <summary>Pins memory of the host.</summary>
    /// <param name="memory">The memory. It belongs to the result, and is disposed if an exception is thrown.</param>
    /// <param name="pin">Pins an address and a number of bytes. Returns the reason if that is not possible.</param>
    /// <param name="unpin">Ends the pinning of an address.</param>
    /// <param name="remark">A sentence about memory that is not pinned; null if it is.</param>
    /// <returns>The pinned memory; the memory itself if it cannot be pinned.</returns>
    public static MemoryBuffer Of(MemoryBuffer memory, Func<nint, long, string?> pin, Action<nint> unpin, out string? remark)
    {
        try
        {
            string? reason = pin(memory.Address, memory.Length);
            remark = reason is null ? null : $"the staging ring is not pinned, so copies to the card are slower: {reason}";
            return reason is null ? new PinnedMemory(memory, unpin) : memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    public override void Write(long offset, ReadOnlySpan<byte> source) => _memory.Write(offset, source);

    public override void Read(long offset, Span<byte> destination) => _memory.Read(offset, destination);

    protected override void Dispose(bool disposing)
    {
        _unpin(_memory.Address);
        _memory.Dispose();
    }
}
