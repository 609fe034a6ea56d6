using System.IO.MemoryMappedFiles;

namespace MemLoad;

/// <summary>On Windows and macOS: one section of shared memory per segment. It does not count as private memory of a process.</summary>
internal sealed unsafe class SectionPool : DevicePool
{
    private readonly SortedList<long, (long Length, MemoryMappedFile File, MemoryMappedViewAccessor View)> _segments = [];

    public override void Write(long offset, ReadOnlySpan<byte> source) =>
        source.CopyTo(new Span<byte>(Address(offset, source.Length), source.Length));

    public override void Read(long offset, Span<byte> destination) =>
        new ReadOnlySpan<byte>(Address(offset, destination.Length), destination.Length).CopyTo(destination);

    public override HostView Map(long offset, long length) => new((nint)Address(offset, length), null);

    public override void Add(long offset, long length)
    {
        try
        {
            var file = MemoryMappedFile.CreateNew(null, length);
            try
            {
                _segments.Add(offset, (length, file, file.CreateViewAccessor()));
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or OutOfMemoryException or ArgumentOutOfRangeException)
        {
            throw Rules.DeviceMemoryExhausted.Broken(
                $"the system has no memory left for the simulated device: {SystemReason.Of(e)}", innerException: e);
        }
    }

    public override void Release(long offset, long length)
    {
        (_, MemoryMappedFile file, MemoryMappedViewAccessor view) = _segments[offset];
        _segments.Remove(offset);
        view.Dispose();
        file.Dispose();
    }

    public override void Dispose()
    {
        foreach (long offset in _segments.Keys.ToArray())
        {
            Release(offset, 0);
        }
    }

    private byte* Address(long offset, long length)
    {
        int found = SortedStarts.LastNotAbove(_segments.Count, _segments.GetKeyAtIndex, offset);
        long start = _segments.GetKeyAtIndex(found);
        (long size, _, MemoryMappedViewAccessor view) = _segments.GetValueAtIndex(found);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset - start, size - length, nameof(offset));
        return (byte*)view.SafeMemoryMappedViewHandle.DangerousGetHandle() + (offset - start);
    }
}
