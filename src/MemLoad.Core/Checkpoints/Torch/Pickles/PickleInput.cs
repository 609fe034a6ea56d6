using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace MemLoad;

/// <summary>
/// Reads the bytes of a pickle forward from a range of a file through a small buffer. Every length is compared with the range before it is
/// used.
/// </summary>
internal sealed class PickleInput(FileRange file, long offset, long length, FileBudget budget) : IDisposable
{
    /// <summary>Maximum characters of a global name in a pickle, without its module.</summary>
    public const int LongestLine = 1 << 10;

    private const int LongestBuffer = 1 << 16;
    private const int LongestValue = 1 << 28; // a length for which one string can always be created

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(LongestBuffer, Math.Max(length, 16)));
    private readonly long _end = offset + length;
    private long _bufferStart = offset;
    private int _next;
    private int _filled;

    // A compressed pickle has one place in the file.
    private readonly long? _place =
        FileDecoding.Holds(offset) && file is WholeFile { Decoding: FileDecoding decoding } ? decoding.PhysicalOf(offset) : null;

    private long At => _bufferStart + _next;

    public string Path => file.Path;

    /// <summary>Byte offset in the file of the next read.</summary>
    public long Position => _place ?? At;

    /// <summary>Bytes left of the range.</summary>
    public long Remaining => _end - At;

    /// <summary>Bytes between the start and the end of the range.</summary>
    public long Length { get; } = length;

    public byte ReadByte()
    {
        if (_next == _filled)
        {
            Fill(1);
        }
        return _buffer[_next++];
    }

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public double ReadBigEndianDouble() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    /// <summary>The budget that is charged with the memory of values.</summary>
    public FileBudget Budget => budget;

    /// <summary>Skips bytes.</summary>
    public void Skip(ulong count)
    {
        int size = CheckedLength(count);
        if (size <= _filled - _next)
        {
            _next += size;
        }
        else
        {
            Seek(At + size);
        }
    }

    /// <summary>Reads a few bytes, at most 255. They are valid until the next read.</summary>
    public ReadOnlySpan<byte> ReadFew(byte count) => count <= Remaining ? Take(count) : Take(CheckedLength(count));

    public byte[] ReadBytes(ulong count)
    {
        int size = CheckedLength(count);
        budget.Spend(32 + size);
        byte[] bytes = GC.AllocateUninitializedArray<byte>(size);
        int buffered = Math.Min(size, _filled - _next);
        _buffer.AsSpan(_next, buffered).CopyTo(bytes);
        if (buffered < size)
        {
            file.ReadExactly(At + buffered, bytes.AsSpan(buffered));
            budget.Grant(size - buffered);
        }
        // Most values are completely in the buffer, and no byte has to move.
        Skip((ulong)size);
        return bytes;
    }

    public string ReadUtf8(ulong count)
    {
        long start = Position;
        int size = CheckedLength(count);
        if (size == 0)
        {
            return "";
        }
        budget.Spend(FileBudget.Text(size));
        try
        {
            // Python writes lone surrogates as UTF-8 too ("surrogatepass"); no tensor needs them, so they are refused.
            return StrictUtf8.GetString(size <= _buffer.Length ? Take(size) : ReadBytes(count));
        }
        catch (DecoderFallbackException e)
        {
            throw Rules.PickleMalformed.Broken("a string is not UTF-8", Path, start, e);
        }
    }

    /// <summary>Reads a line of text up to LF, as in GLOBAL.</summary>
    public string ReadLine()
    {
        Span<char> line = stackalloc char[LongestLine];
        int length = 0;
        for (byte b = ReadByte(); b != '\n'; b = ReadByte())
        {
            if (b is < 0x20 or > 0x7e || length == LongestLine)
            {
                throw Rules.PickleMalformed.Broken("a name in the pickle is not printable text of reasonable length", Path, Position - 1);
            }
            line[length++] = (char)b;
        }
        return new string(line[..length]);
    }

    private int CheckedLength(ulong count) =>
        count <= (ulong)(_end - At)
            ? count <= LongestValue
                ? (int)count
                : throw Rules.HeaderMemory.Broken($"one value of the pickle has {count} bytes", Path, Position)
            : throw Rules.FileTruncated.Broken(
                $"a value of {count} bytes does not fit the {_end - At} bytes left of the pickle", Path, Position);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (_filled - _next < count)
        {
            Fill(count);
        }
        _next += count;
        return _buffer.AsSpan(_next - count, count);
    }

    private void Fill(int needed)
    {
        Seek(At);
        int take = (int)Math.Min(_buffer.Length, _end - _bufferStart);
        if (take < needed)
        {
            throw Rules.FileTruncated.Broken("the pickle ends in the middle of a value", Path, _end);
        }
        if (take > _filled)
        {
            file.ReadExactly(_bufferStart + _filled, _buffer.AsSpan(_filled, take - _filled));
            budget.Grant(take - _filled);
            _filled = take;
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private void Seek(long position)
    {
        long skip = position - _bufferStart;
        if (skip >= 0 && skip < _filled)
        {
            // The buffered bytes move to the front, so that Fill keeps them.
            _buffer.AsSpan((int)skip, _filled - (int)skip).CopyTo(_buffer);
            _filled -= (int)skip;
        }
        else
        {
            _filled = 0;
        }
        _bufferStart = position;
        _next = 0;
    }
}
