namespace MemLoad;

/// <summary>
/// A record inside a file, whose headers are at its start and at its end. A short record is read at once, a long one in two reads.
/// </summary>
internal sealed class FileRecord : FileRange
{
    private const int AtOnce = 4 << 10;
    private const int HeadBytes = 1 << 10;
    private const int TailBytes = 1 << 10;

    private readonly CheckpointFileReader _file;
    private readonly long _start;
    private readonly byte[] _head;
    private readonly byte[] _tail;

    /// <summary>Reads the two ends of a record.</summary>
    /// <param name="file">The file.</param>
    /// <param name="start">Byte offset of the record.</param>
    /// <param name="length">Its length. It ends inside the file.</param>
    /// <exception cref="MemLoadException">ML1005 to ML1007.</exception>
    public FileRecord(CheckpointFileReader file, long start, long length)
    {
        _file = file;
        _start = start;
        Length = length;
        _head = file.ReadBytes(start, length <= AtOnce ? length : HeadBytes);
        _tail = length <= AtOnce ? [] : file.ReadBytes(start + length - TailBytes, TailBytes);
    }

    public override string Path => _file.Path;

    public override long Length { get; }

    public override void ReadExactly(long offset, Span<byte> destination)
    {
        if (offset < 0 || destination.Length > Length - offset)
        {
            throw Rules.FileTruncated.Broken($"the record has {Length} bytes but {destination.Length} are expected here", Path, offset);
        }
        long tailStart = Length - _tail.Length;
        if (offset + destination.Length <= _head.Length)
        {
            _head.AsSpan((int)offset, destination.Length).CopyTo(destination);
        }
        else if (offset >= tailStart)
        {
            _tail.AsSpan((int)(offset - tailStart), destination.Length).CopyTo(destination);
        }
        else
        {
            _file.ReadExactly(_start + offset, destination);
        }
    }

    public override void Expect(long offset, long count)
    {
        // The headers have been read already.
    }
}
