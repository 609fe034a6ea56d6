namespace MemLoad;

/// <summary>
/// The bytes of the directory of an archive, read in pieces. The directory of a million records is larger than the data that is kept of it.
/// </summary>
/// <param name="file">The file, or a range of it.</param>
/// <param name="offset">The position of the directory.</param>
/// <param name="length">Its length.</param>
internal sealed class ZipEntries(FileRange file, long offset, long length)
{
    // The maximum that a server sends at once. Pieces of 1 MiB made the second opening of 100,000 tensors a fifth slower.
    private const int LongestPiece = 4 << 20;
    private const int LongestEntry = ZipFormat.CentralBytes + (3 * ushort.MaxValue);

    private readonly byte[] _piece = GC.AllocateUninitializedArray<byte>(PieceBytes(length));
    private readonly long _limit = offset + length;
    private long _end = offset; // of the bytes that were read
    private long _expected = offset; // of the entries whose headers were requested
    private int _next;
    private int _filled;

    /// <summary>Byte offset in the file of the next entry.</summary>
    public long Position => _end - (_filled - _next);

    /// <summary>Bytes of the directory from the next entry on.</summary>
    public long Remaining => _limit - Position;

    /// <summary>The bytes that a directory of this length takes in memory.</summary>
    public static int PieceBytes(long length) => (int)Math.Min(length, LongestPiece);

    /// <summary>Returns bytes from the next entry on: the whole entry and more, unless the directory ends. They are valid until the next
    /// call.</summary>
    /// <exception cref="MemLoadException">ML1005 to ML1007.</exception>
    public ReadOnlySpan<byte> Peek()
    {
        if (_filled - _next < LongestEntry && _end < _limit)
        {
            Fill();
        }
        return _piece.AsSpan(_next, _filled - _next);
    }

    /// <summary>Continues after an entry.</summary>
    public void Skip(int count) => _next += count;

    private void Fill()
    {
        _piece.AsSpan(_next, _filled - _next).CopyTo(_piece);
        _filled -= _next;
        _next = 0;
        int count = (int)Math.Min(_piece.Length - _filled, _limit - _end);
        file.ReadExactly(_end, _piece.AsSpan(_filled, count));
        _filled += count;
        _end += count;
        int before = (int)Math.Max(0, _expected - Position);
        ExpectHeaders(_piece.AsSpan(before, _filled - before));
    }

    // Large records separate the local headers. Those of all entries of a piece are requested from the disk at once.
    private void ExpectHeaders(ReadOnlySpan<byte> entries)
    {
        try
        {
            while (entries.Length >= ZipFormat.CentralBytes)
            {
                int nameLength = ZipFormat.U16(entries, 28);
                int extraLength = ZipFormat.U16(entries, 30);
                int bytes = ZipFormat.CentralBytes + nameLength + extraLength + ZipFormat.U16(entries, 32);
                if (bytes > entries.Length)
                {
                    return;
                }
                long stored = ZipFormat.U32(entries, 20);
                long inflated = ZipFormat.U32(entries, 24);
                long header = ZipFormat.U32(entries, 42);
                ZipExtraField.Read(entries.Slice(ZipFormat.CentralBytes + nameLength, extraLength), ref inflated, ref stored,
                    ref header, file.Path, 0);
                if (stored >= CheckpointFileReader.FarApart)
                {
                    file.Expect(header, ZipFormat.LocalBytes + nameLength);
                }
                entries = entries[bytes..];
                _expected += bytes;
            }
        }
        catch (MemLoadException)
        {
            // The error is reported when the entry is read.
        }
    }
}
