using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// Copies elements and casts them, a few at a time: directly to their place in host memory, or through a small buffer to other memory.
/// </summary>
internal static unsafe class CastCopy
{
    // At most 64 KiB of results: enough for one call to a device, and small enough for the stack and for the second-level cache.
    private const int PieceElements = 16 << 10;

    /// <summary>
    /// Casts elements in host memory into a buffer of any device. <paramref name="bytes"/> are those of a whole number of elements in the
    /// source.
    /// </summary>
    [SkipLocalsInit]
    public static void FromHost(
        StorageCast cast, byte* source, long bytes, MemoryBuffer target, long targetOffset, CancellationToken cancellationToken)
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

    /// <summary>Casts the first elements of one device buffer into another, in the same way.</summary>
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
