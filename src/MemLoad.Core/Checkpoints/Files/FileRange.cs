using System.Buffers;

namespace MemLoad;

/// <summary>Bytes that headers are read from: a whole file, or a record inside one. Positions count from the start of the range.</summary>
internal abstract class FileRange
{
    /// <summary>The file, for errors.</summary>
    public abstract string Path { get; }

    /// <summary>Bytes of the range.</summary>
    public abstract long Length { get; }

    /// <summary>The bytes of a piece in which a long part is read. A piece fits the caches of a processor.</summary>
    public virtual int PieceBytes => 1 << 20;

    /// <summary>Fills the whole destination.</summary>
    /// <exception cref="MemLoadException">ML1005 if the file ends before the range, ML1006 if it was truncated during the read, ML1007 if
    /// the read fails.</exception>
    public abstract void ReadExactly(long offset, Span<byte> destination);

    /// <summary>Requests that the system reads a part into the page cache in the background. It is a hint.</summary>
    public abstract void Expect(long offset, long count);

    /// <summary>Reads a part into a new array.</summary>
    /// <exception cref="MemLoadException">ML1005 or ML1007. The part is compared with the range before memory is allocated.</exception>
    public byte[] ReadBytes(long offset, long count)
    {
        Require(offset, count);
        byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)count));
        ReadExactly(offset, bytes);
        return bytes;
    }

    /// <summary>Checks that a part is in the range.</summary>
    /// <exception cref="MemLoadException">ML1005.</exception>
    public void Require(long offset, long count)
    {
        if (offset < 0 || count < 0 || offset > Length - count)
        {
            long at = Math.Clamp(offset, 0, Length);
            throw Rules.FileTruncated.Broken($"{count} bytes are expected here but the file has {Length - at}", Path, at);
        }
    }

    /// <summary>Reads a part in pieces.</summary>
    /// <exception cref="MemLoadException">As from <see cref="ReadExactly"/>.</exception>
    public void Stream(long offset, long length, ElementSink sink, CancellationToken ct)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent((int)Math.Min(PieceBytes, length));
        try
        {
            for (long done = 0; done < length;)
            {
                ct.ThrowIfCancellationRequested();
                Span<byte> part = piece.AsSpan(0, (int)Math.Min(PieceBytes, length - done));
                ReadExactly(offset + done, part);
                sink(part);
                done += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }
}
