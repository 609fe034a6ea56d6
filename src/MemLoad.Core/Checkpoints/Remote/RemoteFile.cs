using System.Net;
using System.Net.Http.Headers;

namespace MemLoad;

/// <summary>
/// A file on a server, of which ranges are read. The first request fetches the start of the file, where most formats have their header. The
/// file must stay the same from the first answer to the last. Pieces that were fetched are kept until the file is closed.
/// </summary>
internal sealed class RemoteFile : WholeFile
{
    private const int FirstBytes = 32 << 10;
    private const int FewestBytes = 8 << 10;
    private const int MostBytes = 4 << 20;

    // Headers that a directory lists are fetched side by side. Their pieces are short, because each is behind a large storage.
    private const int ExpectedBytes = 1 << 10;

    private readonly RemoteSession _session;
    private readonly RangeConditionHeaderValue? _unchanged;
    private readonly string? _tag;
    private readonly DateTimeOffset? _date; // if there is no tag
    private readonly SortedList<long, byte[]> _pieces = [];
    private readonly List<(long Offset, int Count)> _expected = [];
    private readonly Lock _lock = new();
    private readonly Uri _address;
    private DecodedReads? _decoded;
    private long _end;
    private int _size = FirstBytes;

    /// <summary>Opens a file and fetches its start.</summary>
    /// <param name="session">The connections.</param>
    /// <param name="address">The address to ask.</param>
    /// <param name="path">The address as it is shown.</param>
    /// <exception cref="MemLoadException">ML5203 to ML5209.</exception>
    public RemoteFile(RemoteSession session, Uri address, string path)
    {
        _session = session;
        _address = address;
        Path = path;
        session.Spend(FirstBytes, path);
        using var request = new RemoteRequest(session, path);
        using HttpResponseMessage answer = request.Send(ref _address, new RangeHeaderValue(0, FirstBytes - 1));
        if (answer is { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable, Content.Headers.ContentRange.Length: 0 })
        {
            return; // an empty file has no range
        }
        request.RequireStatus(answer, HttpStatusCode.PartialContent, HttpStatusCode.OK);
        if (answer.StatusCode == HttpStatusCode.PartialContent)
        {
            ContentRangeHeaderValue? range = answer.Content.Headers.ContentRange;
            Length = range is { Unit: "bytes", Length: long total } ? total : throw Unusable(range);
            RequireRange(answer, 0, (int)Math.Min(FirstBytes, Length));
        }
        else
        {
            // A server may send a short file as a whole. The rest of a long one is not wanted.
            Length = answer.Content.Headers.ContentLength is long whole and <= FirstBytes ? whole
                : throw Rules.RemoteRanges.Broken("the server sends the whole file instead of the requested range", path);
        }
        _tag = answer.Headers.ETag?.ToString();
        _date = _tag is null ? answer.Content.Headers.LastModified : null;
        _unchanged = answer.Headers.ETag is { IsWeak: false } tag ? new RangeConditionHeaderValue(tag)
            : _date is DateTimeOffset date ? new RangeConditionHeaderValue(date) : null;
        int first = (int)Math.Min(FirstBytes, Length);
        session.Spend(first - FirstBytes, path);
        _pieces.Add(0, request.Read(answer, first));
        _end = _pieces[0].Length;
    }

    /// <summary>Makes a file of bytes that are all there.</summary>
    public RemoteFile(RemoteSession session, Uri address, string path, byte[] bytes)
    {
        _session = session;
        _address = address;
        Path = path;
        Length = bytes.Length;
        _pieces.Add(0, bytes);
    }

    public override string Path { get; }

    public override long Length { get; }

    /// <summary>The bytes of the longest request.</summary>
    public override int PieceBytes => MostBytes;

    public override CheckpointFile Described => new(Path, Length) { Decoding = Decoding };

    public override void ReadExactly(long offset, Span<byte> destination)
    {
        if (FileDecoding.Holds(offset))
        {
            (_decoded ??= new DecodedReads(this, Decoding!)).Read(offset, destination);
            return;
        }
        if (offset < 0 || offset > Length - destination.Length)
        {
            throw Rules.FileTruncated.Broken($"the file ends before the {destination.Length} bytes that are expected here", Path, offset);
        }
        while (!destination.IsEmpty)
        {
            (long start, byte[] piece) = PieceAt(offset) ?? Fetch(offset, destination.Length);
            ReadOnlySpan<byte> there = piece.AsSpan((int)(offset - start));
            int count = Math.Min(there.Length, destination.Length);
            there[..count].CopyTo(destination);
            destination = destination[count..];
            offset += count;
        }
    }

    public override void Expect(long offset, long count)
    {
        if (offset >= 0 && offset < Length && count > 0)
        {
            _expected.Add((offset, (int)Math.Min(Math.Max(count, ExpectedBytes), Math.Min(Length - offset, FewestBytes))));
        }
    }

    public override void Dispose() => _decoded?.Dispose();

    private (long Start, byte[] Piece)? PieceAt(long offset)
    {
        int index = SortedStarts.LastNotAbove(_pieces.Count, i => _pieces.GetKeyAtIndex(i), offset);
        (long start, byte[] piece) = (_pieces.GetKeyAtIndex(index), _pieces.GetValueAtIndex(index));
        return start <= offset && offset - start < piece.Length ? (start, piece) : null;
    }

    private (long Start, byte[] Piece) Fetch(long offset, int count)
    {
        if (_expected.Count > 0)
        {
            FetchExpected();
            if (PieceAt(offset) is { } expected)
            {
                return expected;
            }
        }
        // Headers are read in order: each piece is twice as long as the one before. At the end of a file they are read backwards.
        _size = offset == _end ? Math.Min(2 * _size, MostBytes) : FewestBytes;
        long start = Math.Min(offset, Math.Max(0, Length - FirstBytes));
        int length = (int)Math.Min(Length - start, Math.Clamp(count, start < offset ? FirstBytes : _size, MostBytes));
        byte[] piece = FetchRange(start, length);
        _end = start + length;
        return (start, piece);
    }

    private void FetchExpected()
    {
        (long Offset, int Count)[] wanted =
        [
            .. _expected.Where(range =>
                PieceAt(range.Offset) is not (long start, byte[] piece) || start + piece.Length < range.Offset + range.Count),
        ];
        _expected.Clear();
        Workers.RunEach(wanted.Length, RemoteSession.Connections, (i, _) => FetchRange(wanted[i].Offset, wanted[i].Count), _session.Stop);
    }

    private byte[] FetchRange(long start, int length)
    {
        _session.Spend(length, Path);
        using var request = new RemoteRequest(_session, Path);
        Uri address = _address;
        using HttpResponseMessage answer = request.Send(ref address, new RangeHeaderValue(start, start + length - 1), _unchanged);
        if (answer.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            throw Changed(); // the file had this range
        }
        bool? isSame = IsSameFile(answer);
        if (answer.StatusCode == HttpStatusCode.OK)
        {
            throw isSame ?? (_unchanged is null)
                ? Rules.RemoteRanges.Broken("the server sent a range of the file and now sends all of it", Path) : Changed();
        }
        request.RequireStatus(answer, HttpStatusCode.PartialContent);
        if (isSame == false || (answer.Content.Headers.ContentRange is { Length: long total } && total != Length))
        {
            throw Changed();
        }
        RequireRange(answer, start, length);
        byte[] piece = request.Read(answer, length);
        lock (_lock)
        {
            if (!_pieces.TryGetValue(start, out byte[]? other) || other.Length < length)
            {
                _pieces[start] = piece;
            }
        }
        return piece;
    }

    // Whether the answer has the tag, or else the date, of the first answer; null if it states none.
    private bool? IsSameFile(HttpResponseMessage answer) =>
        _tag is not null ? answer.Headers.ETag is EntityTagHeaderValue tag ? tag.ToString() == _tag : null
        : _date is not null && answer.Content.Headers.LastModified is DateTimeOffset date ? date == _date : null;

    private void RequireRange(HttpResponseMessage answer, long start, int length)
    {
        ContentRangeHeaderValue? range = answer.Content.Headers.ContentRange;
        if (range is not { Unit: "bytes", HasRange: true, HasLength: true } || range.From != start || range.To != start + length - 1)
        {
            throw Unusable(range);
        }
        if (answer.Content.Headers.ContentLength is long count && count != length)
        {
            throw Rules.RemoteAnswer.Broken($"the server states {count} bytes for a range of {length}", Path);
        }
    }

    private MemLoadException Unusable(ContentRangeHeaderValue? range) =>
        Rules.RemoteAnswer.Broken(
            range is null ? "the server does not state which range of the file it sends"
                : $"the server sends the range {Printable.Quote(range.ToString())}, not the requested range", Path);

    private MemLoadException Changed() =>
        Rules.FileChanged.Broken("the file on the server was changed while its headers were read", Path,
            remedy: "Try again when the file on the server is complete.");
}
