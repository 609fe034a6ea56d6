using System.Buffers;
using System.IO.Compression;
using System.IO.Hashing;

namespace MemLoad;

/// <summary>
/// The parts of a file whose bytes are not the elements of tensors as they are: deflated records, and numbers with their highest byte
/// first. Each part has its own range of offsets, far beyond the end of any file. A read in this range returns the decoded bytes. Such a
/// file cannot be mapped.
/// </summary>
internal sealed class FileDecoding
{
    /// <summary>The first offset of the decoded ranges.</summary>
    public const long Base = 1L << 60;

    // Ranges are so far apart that a reader never takes two of them for one piece.
    private const long Distance = 1L << 20;

    // The maximum number of bytes that deflate can produce from one byte.
    private const int LargestRatio = 1032;

    private readonly List<Part> _parts = [];
    private long _next = Base;

    /// <summary>One part: the location of its bytes, and their decoding.</summary>
    /// <param name="Start">The offset of its decoded bytes.</param>
    /// <param name="Length">The number of its decoded bytes.</param>
    /// <param name="Physical">Its offset in the file.</param>
    /// <param name="Stored">Its bytes in the file.</param>
    /// <param name="Unit">The bytes of a number whose bytes are swapped; 0 for a deflated record.</param>
    /// <param name="Crc">The checksum of the inflated bytes; 0 if there is none.</param>
    public sealed record Part(long Start, long Length, long Physical, long Stored, int Unit, uint Crc)
    {
        /// <summary>Whether the record was inflated to its end and had its length and its checksum.</summary>
        public bool IsVerified { get; set; }

        /// <summary>Whether a second decoding swaps the bytes of this one.</summary>
        public int SwapUnit { get; set; }
    }

    /// <summary>Why the file cannot be mapped, for messages; null if it can.</summary>
    public string? Obstacle =>
        _parts.Count == 0 ? null
        : _parts.Exists(part => part.Unit == 0) ? "its records are compressed"
        : "its numbers are big-endian";

    /// <summary>Whether an offset is in a decoded range.</summary>
    public static bool Holds(long offset) => offset >= Base;

    /// <summary>Adds a deflated record and returns the offset of its bytes.</summary>
    /// <exception cref="MemLoadException">ML2017: deflate cannot give that many bytes.</exception>
    public long AddDeflated(in ZipRecord record, string path) =>
        record.Inflated > (record.Length * LargestRatio) + LargestRatio
            ? throw Rules.ZipInflates.Broken(
                $"the record {Printable.Quote(record.Name)} of {record.Length} bytes states an inflated size of {record.Inflated} bytes",
                path,
                record.Offset)
            : Add(record.Inflated, record.Offset, record.Length, 0, record.Crc);

    /// <summary>Adds a range of numbers whose bytes are swapped and returns the offset of its bytes.</summary>
    public long AddSwapped(long offset, long length, int unit)
    {
        if (!Holds(offset))
        {
            return Add(length, offset, length, unit, 0);
        }
        PartAt(offset).SwapUnit = unit;
        return offset;
    }

    /// <summary>Returns the offset in the file for a decoded offset. For a deflated record it is the offset of the part.</summary>
    public long PhysicalOf(long offset)
    {
        Part part = PartAt(offset);
        return part.Unit == 0 ? part.Physical : part.Physical + (offset - part.Start);
    }

    /// <summary>Returns the part that contains an offset.</summary>
    public Part PartAt(long offset) => _parts[SortedStarts.LastNotAbove(_parts.Count, i => _parts[i].Start, offset)];

    private long Add(long length, long physical, long stored, int unit, uint crc)
    {
        long start = _next;
        _parts.Add(new Part(start, length, physical, stored, unit, crc));
        _next = checked(start + length + (2 * Distance) - ((start + length) % Distance));
        return start;
    }
}

/// <summary>Reads decoded ranges of one open file. Several threads can use it.</summary>
internal sealed class DecodedReads(WholeFile file, FileDecoding decoding) : IDisposable
{
    private const int PieceBytes = 1 << 16;

    // Several threads read forward at the same time, each from the position of an earlier read. Each needs a cursor.
    private const int MostCursors = 8;

    private readonly Lock _lock = new();
    private readonly List<Cursor> _cursors = [];

    private sealed record Cursor(FileDecoding.Part Part, DeflateStream Stream)
    {
        public long Position { get; set; }
    }

    /// <summary>Fills the destination from a decoded offset.</summary>
    /// <exception cref="MemLoadException">ML2016, ML2017, and the rules of reading.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        FileDecoding.Part part = decoding.PartAt(offset);
        long from = offset - part.Start;
        if (from + destination.Length > part.Length)
        {
            throw Rules.FileTruncated.Broken(
                $"{destination.Length} bytes are expected where the record has {Math.Max(0, part.Length - from)}",
                file.Path,
                part.Physical);
        }
        int unit = part.Unit > 0 ? part.Unit : part.SwapUnit;
        if (unit <= 1)
        {
            ReadRaw(part, from, destination);
            return;
        }
        // The range is extended to complete numbers before the bytes are swapped.
        long first = from / unit * unit;
        int length = checked((int)(((from + destination.Length + unit - 1) / unit * unit) - first));
        if (first == from && length == destination.Length)
        {
            ReadRaw(part, from, destination);
            Swap(destination, unit);
            return;
        }
        byte[] around = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Span<byte> whole = around.AsSpan(0, length);
            ReadRaw(part, first, whole);
            Swap(whole, unit);
            whole.Slice((int)(from - first), destination.Length).CopyTo(destination);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(around);
        }
    }

    public void Dispose() => _cursors.ForEach(cursor => cursor.Stream.Dispose());

    private void ReadRaw(FileDecoding.Part part, long from, Span<byte> destination)
    {
        if (part.Unit > 0)
        {
            file.ReadExactly(part.Physical + from, destination);
            return;
        }
        lock (_lock)
        {
            if (!part.IsVerified)
            {
                Verify(part);
                part.IsVerified = true;
            }
            Cursor cursor = CursorAt(part, from);
            Advance(cursor, from);
            Inflate(cursor, destination);
        }
    }

    private static void Swap(Span<byte> bytes, int unit)
    {
        for (int at = 0; at < bytes.Length; at += unit)
        {
            bytes.Slice(at, unit).Reverse();
        }
    }

    // The checksum is verified before the first byte is used.
    private void Verify(FileDecoding.Part part)
    {
        Cursor cursor = Open(part);
        using DeflateStream stream = cursor.Stream;
        var checksum = new Crc32();
        Advance(cursor, part.Length, checksum);
        if (Read(cursor, [0]) != 0)
        {
            throw Rules.ZipInflates.Broken(
                $"a record inflates to more than the {part.Length} bytes that the directory states", file.Path, part.Physical);
        }
        uint found = checksum.GetCurrentHashAsUInt32();
        if (part.Crc != 0 && found != part.Crc)
        {
            throw Rules.RecordChecksum.Broken(
                $"an inflated record has the checksum {found:x8}, the directory states {part.Crc:x8}", file.Path, part.Physical);
        }
    }

    private Cursor Open(FileDecoding.Part part) => new(part, new DeflateStream(new RecordStream(file, part), CompressionMode.Decompress));

    // Returns the nearest cursor before the offset, or a new cursor if there is none.
    private Cursor CursorAt(FileDecoding.Part part, long from)
    {
        Cursor? nearest = _cursors.Where(cursor => cursor.Part == part && cursor.Position <= from).MaxBy(cursor => cursor.Position);
        if (nearest is null)
        {
            if (_cursors.Count == MostCursors)
            {
                _cursors[0].Stream.Dispose();
                _cursors.RemoveAt(0);
            }
            nearest = Open(part);
        }
        else
        {
            _ = _cursors.Remove(nearest);
        }
        _cursors.Add(nearest); // the cursor that was used last is at the end
        return nearest;
    }

    private void Advance(Cursor cursor, long to, Crc32? checksum = null)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            while (cursor.Position < to)
            {
                Span<byte> next = piece.AsSpan(0, (int)Math.Min(PieceBytes, to - cursor.Position));
                Inflate(cursor, next);
                checksum?.Append(next);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private void Inflate(Cursor cursor, Span<byte> destination)
    {
        if (Read(cursor, destination) < destination.Length)
        {
            throw Rules.ZipInflates.Broken(
                $"a record inflates to fewer than the {cursor.Part.Length} bytes that the directory states", file.Path,
                cursor.Part.Physical);
        }
    }

    // Fills the destination with the available bytes.
    private int Read(Cursor cursor, Span<byte> destination)
    {
        try
        {
            int read = cursor.Stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
            cursor.Position += read;
            return read;
        }
        catch (InvalidDataException e)
        {
            throw Rules.ZipInflates.Broken("the bytes of a record are not deflated data", file.Path, cursor.Part.Physical, e);
        }
    }

    // The stored bytes of a record.
    private sealed class RecordStream(WholeFile file, FileDecoding.Part part) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            int count = (int)Math.Min(buffer.Length, part.Stored - _read);
            file.ReadExactly(part.Physical + _read, buffer[..count]);
            _read += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
