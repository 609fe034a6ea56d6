using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>Copies that cast on the way, a few elements at a time: straight into place where the host can reach it, through a bounce buffer elsewhere.</summary>
internal static unsafe class CastCopy
{
    // Enough that a call to a device is worth it, little enough for a small stack and the processor's second cache: at most 64 KiB of results.
    private const int PieceElements = 16 << 10;

    /// <summary>Casts elements on the host into a buffer, wherever that is.</summary>
    /// <param name="cast">From which type to which.</param>
    /// <param name="source">The first element.</param>
    /// <param name="bytes">Bytes that the elements take there: a whole number of them.</param>
    /// <param name="target">Where to.</param>
    /// <param name="targetOffset">Offset of the first element there, in bytes.</param>
    /// <param name="cancellationToken">Stops it.</param>
    [SkipLocalsInit]
    public static void FromHost(StorageCast cast, byte* source, long bytes, MemoryBuffer target, long targetOffset, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(targetOffset, target.Length - cast.TargetBytes(bytes));
        bool direct = target.Address != 0;
        byte* bounce = stackalloc byte[direct ? 0 : PieceElements * cast.To.ElementSize()];
        for (long done = 0; done < bytes;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int length = (int)Math.Min((long)PieceElements * cast.From.ElementSize(), bytes - done);
            long at = targetOffset + cast.TargetBytes(done);
            if (direct)
            {
                target.Prepare(at, (int)cast.TargetBytes(length));
            }
            var converted = new Span<byte>(direct ? (byte*)target.Address + at : bounce, (int)cast.TargetBytes(length));
            ElementCast.Convert(cast.From, new ReadOnlySpan<byte>(source + done, length), cast.To, converted);
            if (!direct)
            {
                target.Write(at, converted);
            }
            done += length;
        }
    }

    /// <summary>Casts the first elements of one device buffer into another.</summary>
    /// <param name="cast">From which type to which.</param>
    /// <param name="source">Where from.</param>
    /// <param name="bytes">Bytes that the elements take there: a whole number of them.</param>
    /// <param name="target">Where to.</param>
    /// <param name="cancellationToken">Stops it.</param>
    [SkipLocalsInit]
    public static void Between(StorageCast cast, MemoryBuffer source, long bytes, MemoryBuffer target, CancellationToken cancellationToken)
    {
        byte* piece = stackalloc byte[PieceElements * cast.From.ElementSize()];
        for (long done = 0; done < bytes;)
        {
            int length = (int)Math.Min((long)PieceElements * cast.From.ElementSize(), bytes - done);
            source.Read(done, new Span<byte>(piece, length));
            FromHost(cast, piece, length, target, cast.TargetBytes(done), cancellationToken);
            done += length;
        }
    }
}
