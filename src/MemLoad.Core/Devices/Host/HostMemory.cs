namespace MemLoad;

/// <summary>
/// Anonymous host memory that is returned to the system when it is released. A measured peak is therefore that of the plan and not of an
/// allocator. Large blocks have their own mappings. Small blocks share a mapping, which is released with the last of them. Blocks that are
/// allocated together share one mapping, and each releases its own pages.
/// </summary>
internal sealed unsafe class HostMemory : IDisposable
{
    private const long LargeBytes = 256 << 10;
    private const long SharedBytes = 1 << 20;

    internal const long Alignment = 64;

    private readonly FreshPages _pages = new();
    private HostMapping? _current;
    private long _used;

    /// <summary>The bytes of a block with the padding to the start of the next block.</summary>
    internal static long Aligned(long bytes) => checked(bytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>Allocates a block of zeroed memory, aligned to 64 bytes. Not thread-safe.</summary>
    /// <exception cref="MemLoadException">ML7001: the system does not have enough memory.</exception>
    public MemoryBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes >= LargeBytes)
        {
            return new Buffer(new HostMapping(bytes, holders: 1, _pages), 0, bytes);
        }
        if (_current is null || _used > SharedBytes - bytes)
        {
            Dispose();
            _current = new HostMapping(SharedBytes, holders: 1, _pages);
            _used = 0;
        }
        _current.Hold();
        var block = new Buffer(_current, _used, bytes);
        _used += Aligned(bytes);
        return block;
    }

    /// <summary>
    /// Allocates blocks of zeroed memory in one mapping, aligned to 64 bytes. All pages except those at the ends of the mapping can then be
    /// huge pages. Separate blocks would each have small pages at both ends. Not thread-safe.
    /// </summary>
    /// <exception cref="MemLoadException">ML7001: the system does not have enough memory.</exception>
    internal MemoryBuffer[] AllocateTogether(HostLayout layout)
    {
        if (layout.Blocks.Length == 1)
        {
            return [Allocate(layout.Blocks[0].Length)];
        }
        var mapping = new HostMapping(Math.Max(layout.Bytes, 1), layout.Blocks.Length, _pages);
        return [.. layout.Blocks.Select(block => new Buffer(mapping, block.Offset, block.Length, block.PaddingBytes, vacates: true))];
    }

    /// <summary>
    /// Returns a copy of memory that the host cannot address, which <paramref name="fill"/> copies to an address. It is freed with the
    /// view.
    /// </summary>
    /// <exception cref="MemLoadException">ML7001: the system does not have enough memory.</exception>
    internal static HostView ViewOfCopy(long bytes, Action<nint> fill)
    {
        if (bytes == 0)
        {
            return default;
        }
        using var host = new HostMemory();
        MemoryBuffer copy = host.Allocate(bytes);
        try
        {
            fill(copy.Address);
        }
        catch
        {
            copy.Dispose();
            throw;
        }
        return new HostView(copy.Address, copy);
    }

    /// <summary>Releases the mapping of small blocks. Blocks stay valid until they are disposed.</summary>
    public void Dispose()
    {
        _current?.Release();
        _current = null;
    }

    private sealed class Buffer(HostMapping mapping, long offset, long bytes, long paddingBytes = 0, bool vacates = false)
        : MemoryBuffer(bytes)
    {
        private HostMapping? _mapping = mapping;

        public override nint Address { get; } = mapping.Address + (nint)offset;

        public override long PaddingBytes => paddingBytes;

        public override void Prepare(long offset, int count) => _mapping?.Touch(Address + (nint)offset, count);

        public override void Write(long offset, ReadOnlySpan<byte> source)
        {
            CheckRange(offset, source.Length);
            Prepare(offset, source.Length);
            source.CopyTo(new Span<byte>((byte*)Address + offset, source.Length));
        }

        public override void Read(long offset, Span<byte> destination)
        {
            CheckRange(offset, destination.Length);
            new ReadOnlySpan<byte>((byte*)Address + offset, destination.Length).CopyTo(destination);
        }

        protected override void Dispose(bool disposing)
        {
            if (Interlocked.Exchange(ref _mapping, null) is HostMapping mapping)
            {
                mapping.Release(vacates ? (Address, Length) : default);
            }
        }
    }
}
