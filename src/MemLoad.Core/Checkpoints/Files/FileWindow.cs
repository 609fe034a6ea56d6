using System.Buffers;

namespace MemLoad;

/// <summary>
/// Reads small pieces of a file, mostly in ascending order. If the pieces are close together, each read fetches more. If they are far
/// apart, behind large storages, each read fetches little more than the requested bytes.
/// </summary>
internal sealed class FileWindow(FileRange file) : IDisposable
{
    private const int LargeRead = 1 << 16;
    private const int SmallRead = 1 << 9;
    private const int Growth = 4;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(LargeRead);
    private long _start;
    private int _filled;
    private long _last = -LargeRead;
    private int _size;

    public string Path => file.Path;

    /// <summary>Returns bytes of the file. They are valid until the next read.</summary>
    /// <exception cref="MemLoadException">ML1005 or ML1007.</exception>
    public ReadOnlySpan<byte> Read(long offset, int count)
    {
        file.Require(offset, count);
        if (offset < _start || offset + count > _start + _filled)
        {
            bool near = Math.Abs(offset - _last) < LargeRead / 8;
            _size = near ? Math.Min(_size * Growth, LargeRead) : SmallRead;
            int size = (int)Math.Min(file.Length - offset, Math.Max(count, _size));
            if (size > _buffer.Length)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = ArrayPool<byte>.Shared.Rent(size);
            }
            _filled = 0;
            file.ReadExactly(offset, _buffer.AsSpan(0, size));
            (_start, _filled) = (offset, size);
        }
        _last = offset;
        return _buffer.AsSpan((int)(offset - _start), count);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);
}
