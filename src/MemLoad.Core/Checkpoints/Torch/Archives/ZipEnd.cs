using System.Buffers.Binary;
using System.Text;

namespace MemLoad;

/// <summary>The end of an archive: its end record, and the zip64 records before it. They state where the directory is.</summary>
internal static class ZipEnd
{
    // An editor, or a transfer as text, can append white space to a file. Other bytes could be another file.
    private const int LongestTail = 1 << 10;
    private const long LargestDirectory = 1L << 30;

    /// <summary>
    /// Returns the position of the end record, and the bytes of white space after it. PyTorch uses the last end record within 64 KiB of the
    /// end of the file. White space contains none.
    /// </summary>
    /// <exception cref="MemLoadException">ML1005 or ML2001.</exception>
    public static (long Offset, int Tail) Find(FileRange file, bool allowsTail)
    {
        if (file.Length < ZipFormat.EndBytes)
        {
            throw Rules.FileTruncated.Broken(
                $"an archive has at least {ZipFormat.EndBytes} bytes, and this file has {file.Length}", file.Path);
        }
        long endOffset = file.Length - ZipFormat.EndBytes;
        ReadOnlySpan<byte> end = file.ReadBytes(endOffset, ZipFormat.EndBytes);
        if (ZipFormat.U32(end, 0) == ZipFormat.EndSignature && ZipFormat.U16(end, 20) == 0)
        {
            return (endOffset, 0);
        }
        int length = (int)Math.Min(file.Length, ZipFormat.EndBytes + LongestTail);
        ReadOnlySpan<byte> last = file.ReadBytes(file.Length - length, length);
        int at = last.LastIndexOf("PK\x05\x06"u8);
        if (at >= 0 && length - at > ZipFormat.EndBytes && ZipFormat.U16(last, at + 20) == 0)
        {
            ReadOnlySpan<byte> tail = last[(at + ZipFormat.EndBytes)..];
            if (allowsTail && !tail.ContainsAnyExcept(" \t\r\n"u8))
            {
                return (file.Length - length + at, tail.Length);
            }
            long whole = file.Length - tail.Length;
            throw Rules.ZipEndMissing.Broken(
                $"more bytes follow the end record of the archive: {tail.Length} bytes, "
                    + $"{Printable.Quote(Encoding.Latin1.GetString(tail))}",
                file.Path,
                whole,
                remedy: $"{Rules.ZipEndMissing.Remedy} If you know what was appended, cut the file to its first {whole} bytes.");
        }
        throw Rules.ZipEndMissing.Broken("the file does not end with an archive's end record: it was cut off, or other bytes follow it",
            file.Path, endOffset);
    }

    /// <summary>Returns the position, the length and the number of entries of the directory.</summary>
    /// <exception cref="MemLoadException">ML2002.</exception>
    public static (long Offset, long Length, long Count) DirectoryOf(FileRange file, long endOffset)
    {
        ReadOnlySpan<byte> end = file.ReadBytes(endOffset, ZipFormat.EndBytes);
        if (ZipFormat.U16(end, 4) != 0 || ZipFormat.U16(end, 6) != 0 || ZipFormat.U16(end, 8) != ZipFormat.U16(end, 10))
        {
            throw Rules.ZipDirectoryInvalid.Broken("the archive states that it spans several disks", file.Path, endOffset);
        }
        long count = ZipFormat.U16(end, 10);
        long length = ZipFormat.U32(end, 12);
        long offset = ZipFormat.U32(end, 16);
        long limit = endOffset;
        if (endOffset >= ZipFormat.Zip64LocatorBytes + ZipFormat.Zip64EndBytes)
        {
            long locatorOffset = endOffset - ZipFormat.Zip64LocatorBytes;
            ReadOnlySpan<byte> locator = file.ReadBytes(locatorOffset, ZipFormat.Zip64LocatorBytes);
            if (ZipFormat.U32(locator, 0) == ZipFormat.Zip64LocatorSignature)
            {
                if (ZipFormat.U32(locator, 4) != 0 || ZipFormat.U32(locator, 16) > 1)
                {
                    throw Rules.ZipDirectoryInvalid.Broken("the zip64 locator states several disks", file.Path, locatorOffset);
                }
                limit = I64(locator, 8, file, locatorOffset);
                long before = locatorOffset - ZipFormat.Zip64EndBytes;
                if (limit != before)
                {
                    throw Rules.ZipDirectoryInvalid.Broken(
                        $"the zip64 locator points to byte {limit}, the record before it starts at {before}",
                        file.Path,
                        locatorOffset);
                }
                ReadOnlySpan<byte> end64 = file.ReadBytes(limit, ZipFormat.Zip64EndBytes);
                if (ZipFormat.U32(end64, 0) != ZipFormat.Zip64EndSignature
                    || I64(end64, 4, file, limit) != ZipFormat.Zip64EndBytes - 12
                    || I64(end64, 24, file, limit) != I64(end64, 32, file, limit)
                    || ZipFormat.U32(end64, 16) != 0
                    || ZipFormat.U32(end64, 20) != 0)
                {
                    throw Rules.ZipDirectoryInvalid.Broken("the zip64 end record is malformed", file.Path, limit);
                }
                long count64 = I64(end64, 32, file, limit);
                long length64 = I64(end64, 40, file, limit);
                long offset64 = I64(end64, 48, file, limit);
                // The 32-bit fields have the same value, or the value that refers to the 64-bit record.
                if ((count != count64 && count != ushort.MaxValue)
                    || (length != length64 && length != uint.MaxValue)
                    || (offset != offset64 && offset != uint.MaxValue))
                {
                    throw Rules.ZipDirectoryInvalid.Broken("the end record and the zip64 end record disagree", file.Path, endOffset);
                }
                (count, length, offset) = (count64, length64, offset64);
            }
        }
        if (length > LargestDirectory || offset > limit || length != limit - offset || count > length / ZipFormat.CentralBytes)
        {
            throw Rules.ZipDirectoryInvalid.Broken(
                $"a directory of {count} entries and {length} bytes at byte {offset} does not end where the end records begin ({limit})",
                file.Path,
                endOffset);
        }
        return (offset, length, count);
    }

    private static long I64(ReadOnlySpan<byte> bytes, int at, FileRange file, long offset)
    {
        long value = BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
        return value >= 0 ? value : throw Rules.ZipDirectoryInvalid.Broken("a 64-bit size exceeds 2^63", file.Path, offset + at);
    }
}
