using System.Buffers.Binary;
using System.Text;

namespace MemLoad;

/// <summary>A record of an archive: where its bytes lie and, for a compressed one, how many they become.</summary>
internal readonly record struct ZipRecord(string Name, long Offset, long Length, bool Compressed);

/// <summary>
/// The directory of a PyTorch archive (APPNOTE 6.3: end record, zip64 records, central directory, local headers), read strictly:
/// one end record at the very end, local headers that agree, no overlaps, no doubtful names.
/// </summary>
internal static class ZipDirectory
{
    private const uint EndSignature = 0x06054b50;
    private const uint Zip64EndSignature = 0x06064b50;
    private const uint Zip64LocatorSignature = 0x07064b50;
    private const uint CentralSignature = 0x02014b50;
    private const uint LocalSignature = 0x04034b50;
    private const int EndBytes = 22;
    private const int LocatorBytes = 20;
    private const int Zip64EndBytes = 56;
    private const int CentralBytes = 46;
    private const int LocalBytes = 30;
    private const long LargestDirectory = 1L << 30;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Reads all records, in the order of the central directory.</summary>
    /// <exception cref="MemLoadException">ML2001 to ML2008, ML1005.</exception>
    public static IReadOnlyList<ZipRecord> Read(CheckpointFileReader file, CancellationToken cancellationToken)
    {
        (long offset, long length, long count) = FindCentralDirectory(file);
        byte[] directory = file.ReadBytes(offset, length);
        var records = new List<ZipRecord>(checked((int)count));
        var ranges = new List<(long Start, long End)>(records.Capacity);
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        int at = 0;
        for (long i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (ZipRecord record, long header, int next) = ReadEntry(file, directory, at, offset);
            if (!names.Add(record.Name))
            {
                throw Rules.ZipNameRepeated.Broken($"the record {Printable.Quote(record.Name)} occurs twice", file.Path, offset + at);
            }
            records.Add(record);
            ranges.Add((header, record.Offset + record.Length));
            at = next;
        }
        if (at != directory.Length)
        {
            throw Rules.ZipDirectoryInvalid.Broken($"{count} entries leave {directory.Length - at} bytes of the directory unused", file.Path, offset + at);
        }
        ranges.Sort();
        for (int i = 1; i < ranges.Count; i++)
        {
            if (ranges[i].Start < ranges[i - 1].End)
            {
                throw Rules.ZipOverlap.Broken($"a record starts at byte {ranges[i].Start}, inside the one before it", file.Path, ranges[i].Start);
            }
        }
        return records;
    }

    private static (long Offset, long Length, long Count) FindCentralDirectory(CheckpointFileReader file)
    {
        if (file.Length < EndBytes)
        {
            throw Rules.FileTruncated.Broken($"an archive has at least {EndBytes} bytes, this file {file.Length}", file.Path);
        }
        long endOffset = file.Length - EndBytes;
        ReadOnlySpan<byte> end = file.ReadBytes(endOffset, EndBytes);
        if (U32(end, 0) != EndSignature || U16(end, 20) != 0)
        {
            throw Rules.ZipEndMissing.Broken("the file does not end with an archive's end record: it was cut off, or something follows it", file.Path, endOffset);
        }
        if (U16(end, 4) != 0 || U16(end, 6) != 0 || U16(end, 8) != U16(end, 10))
        {
            throw Rules.ZipDirectoryInvalid.Broken("the archive claims to span several disks", file.Path, endOffset);
        }
        long count = U16(end, 10);
        long length = U32(end, 12);
        long offset = U32(end, 16);
        long limit = endOffset;
        if (endOffset >= LocatorBytes + Zip64EndBytes)
        {
            long locatorOffset = endOffset - LocatorBytes;
            ReadOnlySpan<byte> locator = file.ReadBytes(locatorOffset, LocatorBytes);
            if (U32(locator, 0) == Zip64LocatorSignature)
            {
                limit = I64(locator, 8, file, locatorOffset);
                if (limit != locatorOffset - Zip64EndBytes)
                {
                    throw Rules.ZipDirectoryInvalid.Broken($"the zip64 locator points to byte {limit}, the record before it starts at {locatorOffset - Zip64EndBytes}",
                        file.Path, locatorOffset);
                }
                ReadOnlySpan<byte> end64 = file.ReadBytes(limit, Zip64EndBytes);
                if (U32(end64, 0) != Zip64EndSignature || I64(end64, 4, file, limit) != Zip64EndBytes - 12 || I64(end64, 24, file, limit) != I64(end64, 32, file, limit))
                {
                    throw Rules.ZipDirectoryInvalid.Broken("the zip64 end record is malformed", file.Path, limit);
                }
                long count64 = I64(end64, 32, file, limit);
                long length64 = I64(end64, 40, file, limit);
                long offset64 = I64(end64, 48, file, limit);
                // The 32-bit fields either say the same or say "look in the 64-bit record".
                if ((count != count64 && count != ushort.MaxValue) || (length != length64 && length != uint.MaxValue) || (offset != offset64 && offset != uint.MaxValue))
                {
                    throw Rules.ZipDirectoryInvalid.Broken("the end record and the zip64 end record disagree", file.Path, endOffset);
                }
                (count, length, offset) = (count64, length64, offset64);
            }
        }
        if (length > LargestDirectory || offset > limit || length != limit - offset || count > length / CentralBytes)
        {
            throw Rules.ZipDirectoryInvalid.Broken(
                $"a directory of {count} entries and {length} bytes at byte {offset} does not end where the end records begin ({limit})", file.Path, endOffset);
        }
        return (offset, length, count);
    }

    private static (ZipRecord Record, long Header, int Next) ReadEntry(CheckpointFileReader file, byte[] directory, int at, long directoryOffset)
    {
        long here = directoryOffset + at;
        if (directory.Length - at < CentralBytes || U32(directory, at) != CentralSignature)
        {
            throw Rules.ZipDirectoryInvalid.Broken("a directory entry is malformed", file.Path, here);
        }
        ushort flags = U16(directory, at + 8);
        ushort method = U16(directory, at + 10);
        long stored = U32(directory, at + 20);
        long length = U32(directory, at + 24);
        int nameLength = U16(directory, at + 28);
        int extraLength = U16(directory, at + 30);
        int commentLength = U16(directory, at + 32);
        long header = U32(directory, at + 42);
        int next = at + CentralBytes + nameLength + extraLength + commentLength;
        if (next > directory.Length)
        {
            throw Rules.ZipDirectoryInvalid.Broken("a directory entry runs past the directory", file.Path, here);
        }
        ReadOnlySpan<byte> rawName = directory.AsSpan(at + CentralBytes, nameLength);
        string name = CheckedName(rawName, file.Path, here);
        if ((flags & 0x2041) != 0)
        {
            throw Rules.ZipEncrypted.Broken($"the record {Printable.Quote(name)} is encrypted", file.Path, here);
        }
        ReadZip64Extra(directory.AsSpan(at + CentralBytes + nameLength, extraLength), ref length, ref stored, ref header, file.Path, here);

        // The data starts after the local header, whose name and extra field have lengths of their own.
        if (header > directoryOffset - LocalBytes - nameLength)
        {
            throw Rules.ZipDirectoryInvalid.Broken($"the header of {Printable.Quote(name)} lies outside the records, at byte {header}", file.Path, here);
        }
        ReadOnlySpan<byte> local = file.ReadBytes(header, LocalBytes + nameLength);
        if (U32(local, 0) != LocalSignature || U16(local, 26) != nameLength || !local[LocalBytes..].SequenceEqual(rawName) || U16(local, 8) != method
            || U16(local, 6) != flags)
        {
            throw Rules.ZipHeaderMismatch.Broken($"the local header of {Printable.Quote(name)} differs from the directory", file.Path, header);
        }
        // Sizes are absent (0) where a data descriptor follows the data, as in PyTorch's own files, or stand in a zip64 field.
        long localLength = U32(local, 22);
        if (localLength != length && localLength != uint.MaxValue && !((flags & 8) != 0 && localLength == 0))
        {
            throw Rules.ZipHeaderMismatch.Broken($"the local header of {Printable.Quote(name)} states {localLength} bytes, the directory {length}", file.Path, header);
        }
        long data = header + LocalBytes + nameLength + U16(local, 28);
        if (data > directoryOffset - stored)
        {
            throw Rules.ZipDirectoryInvalid.Broken($"the record {Printable.Quote(name)} of {stored} bytes runs into the directory", file.Path, data);
        }
        return (new ZipRecord(name, data, stored, method != 0 || stored != length), header, next);
    }

    private static void ReadZip64Extra(ReadOnlySpan<byte> extra, ref long length, ref long stored, ref long header, string path, long offset)
    {
        bool needed = length == uint.MaxValue || stored == uint.MaxValue || header == uint.MaxValue;
        while (extra.Length >= 4)
        {
            int size = U16(extra, 2);
            if (size > extra.Length - 4)
            {
                throw Rules.ZipDirectoryInvalid.Broken("an extra field runs past its entry", path, offset);
            }
            if (U16(extra, 0) == 1)
            {
                ReadOnlySpan<byte> field = extra.Slice(4, size);
                Take(ref field, ref length, path, offset);
                Take(ref field, ref stored, path, offset);
                Take(ref field, ref header, path, offset);
                needed = false;
            }
            extra = extra[(4 + size)..];
        }
        if (needed || length < 0 || stored < 0 || header < 0)
        {
            throw Rules.ZipDirectoryInvalid.Broken("a zip64 entry lacks its 64-bit sizes", path, offset);
        }

        static void Take(ref ReadOnlySpan<byte> field, ref long value, string path, long offset)
        {
            if (value != uint.MaxValue)
            {
                return;
            }
            if (field.Length < 8)
            {
                throw Rules.ZipDirectoryInvalid.Broken("a zip64 field is too short", path, offset);
            }
            value = BinaryPrimitives.ReadInt64LittleEndian(field);
            field = field[8..];
        }
    }

    private static string CheckedName(ReadOnlySpan<byte> raw, string path, long offset)
    {
        string name;
        try
        {
            name = StrictUtf8.GetString(raw);
        }
        catch (DecoderFallbackException e)
        {
            throw Rules.ZipNameInvalid.Broken("a record name is not UTF-8", path, offset, e);
        }
        bool plain = name.Length > 0 && name[0] != '/' && !name.Any(c => c is '\\' or ':' || char.IsControl(c))
            && !name.Split('/').Any(part => part is ".." or ".");
        return plain ? name : throw Rules.ZipNameInvalid.Broken($"{Printable.Quote(name)} is no plain record name", path, offset);
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long I64(ReadOnlySpan<byte> bytes, int at, CheckpointFileReader file, long offset)
    {
        long value = BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
        return value >= 0 ? value : throw Rules.ZipDirectoryInvalid.Broken("a 64-bit size exceeds 2^63", file.Path, offset + at);
    }
}
