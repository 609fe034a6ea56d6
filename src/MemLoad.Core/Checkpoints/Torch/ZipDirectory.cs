using System.Buffers.Binary;
using System.Text;

namespace MemLoad;

/// <summary>
/// A record of an archive: the location of its stored bytes, and the checksum of its decompressed bytes (0 if none was computed).
/// </summary>
/// <param name="Stem">The name, without the number at its end if it has a number.</param>
/// <param name="Number">The number at the end of the name; -1 if the stem is the whole name.</param>
/// <param name="Offset">The position of its stored bytes.</param>
/// <param name="HeaderBytes">The bytes of its local header, which is before them.</param>
/// <param name="Length">The number of its stored bytes.</param>
/// <param name="Method">How they are compressed.</param>
/// <param name="Inflated">The number of its decompressed bytes.</param>
/// <param name="Crc">Their checksum.</param>
/// <param name="IsDeferred">Whether a data descriptor follows the stored bytes.</param>
internal readonly record struct ZipRecord(
    string Stem, int Number, long Offset, int HeaderBytes, long Length, ushort Method, long Inflated, uint Crc, bool IsDeferred)
{
    /// <summary>Its name.</summary>
    public string Name => Number < 0 ? Stem : string.Create(CultureInfo.InvariantCulture, $"{Stem}{Number}");

    /// <summary>The position of its local header.</summary>
    public long Start => Offset - HeaderBytes;

    /// <summary>The end of its stored bytes.</summary>
    public long End => Offset + Length;

    /// <summary>
    /// Whether the bytes are deflated. .NET libraries use deflate for PyTorch archives. PyTorch itself compresses nothing.
    /// </summary>
    public bool Deflated => Method == 8;

    /// <summary>Whether the bytes are not stored as they are.</summary>
    public bool Compressed => Method != 0 || Inflated != Length;
}

/// <summary>
/// The directory of a PyTorch archive (APPNOTE 6.3: end record, zip64 records, central directory, local headers), read strictly. It has one
/// end record at the end of the file. Local headers and data descriptors match the directory. Records have no overlaps, gaps or ambiguous
/// names.
/// </summary>
internal sealed class ZipDirectory
{
    private const uint EndSignature = 0x06054b50;
    private const uint Zip64EndSignature = 0x06064b50;
    private const uint Zip64LocatorSignature = 0x07064b50;
    private const uint CentralSignature = 0x02014b50;
    private const uint LocalSignature = 0x04034b50;
    private const int EndBytes = 22;

    // An editor, or a transfer as text, can append white space to a file. Other bytes could be another file.
    private const int LongestTail = 1 << 10;
    private const int LocatorBytes = 20;
    private const int Zip64EndBytes = 56;
    internal const int CentralBytes = 46;
    internal const int LocalBytes = 30;
    private const uint DescriptorSignature = 0x08074b50;
    private const int Encrypted = 0x2041; // by one of the three methods
    private const int Deferred = 0x0008; // sizes and checksum follow the data

    // UTF-8 names; a level of compression, which means nothing for stored records.
    private const int KnownFlags = Deferred | 0x0800 | 0x0006;
    private const int FolderAttribute = 0x10; // of MS-DOS, in the external attributes
    private const ushort Zip64Field = 1;
    private const ushort UnicodePathField = 0x7075; // another name for the record, which some readers use
    private const long LargestDirectory = 1L << 30;

    // Bytes of a record without its name: the record, its place in the order of the file, and its entry by number.
    private const int RecordOverhead = 48 + 16 + 4;

    // The maximum length of a name to find. Names of PyTorch have a few dozen characters.
    private const int LongestName = 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly ZipRecord[] _records;

    // Most names are those of storages: one folder, and a number below the number of records. These are found by their number.
    private readonly int[] _placeOfNumber; // from 1; 0 for none
    private string? _folder;
    private byte[] _folderBytes = [];

    // The other names. For some readers, names that differ only in case are the same file.
    private readonly Dictionary<string, int> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    private ZipDirectory(int count)
    {
        _records = new ZipRecord[count];
        _placeOfNumber = new int[count];
        _lookup = _byName.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The number of bytes of white space that follow the archive.</summary>
    public int TailBytes { get; private init; }

    /// <summary>All records, in the order of the central directory.</summary>
    public IReadOnlyList<ZipRecord> Records => _records;

    /// <summary>Returns the record with exactly this name, or null. The name has two parts.</summary>
    public ZipRecord? Find(string folder, string name)
    {
        int length = folder.Length + name.Length;
        if (length > LongestName)
        {
            return null;
        }
        Span<char> full = stackalloc char[LongestName];
        folder.CopyTo(full);
        name.CopyTo(full[folder.Length..]);
        full = full[..length];
        int slash = full.LastIndexOf('/') + 1;
        if (IsFolder(full[..slash]) && WholeNumber.Of<char>(full[slash..], _records.Length) is int number and >= 0)
        {
            return FindNumber(full[..slash], number);
        }
        return _lookup.TryGetValue(full, out int place) && full.SequenceEqual(_records[place].Stem) ? _records[place] : null;
    }

    /// <summary>Returns the record of a number in a folder, or null.</summary>
    /// <param name="folder">The folder, with a slash at its end.</param>
    /// <param name="number">The number, which is less than the number of records.</param>
    public ZipRecord? Find(string folder, int number) =>
        IsFolder(folder) ? FindNumber(folder, number) : Find(folder, number.ToString(CultureInfo.InvariantCulture));

    private ZipRecord? FindNumber(ReadOnlySpan<char> folder, int number) =>
        _placeOfNumber[number] is int place and > 0 && folder.SequenceEqual(_records[place - 1].Stem) ? _records[place - 1] : null;

    private bool IsFolder(ReadOnlySpan<char> folder) => folder.Equals(_folder, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads the directory and compares it with the whole layout of the file.</summary>
    /// <param name="file">The file, or a range of it.</param>
    /// <param name="budget">The budget that is charged with the directory.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <param name="allowsTail">Whether white space may follow the archive. PyTorch finds the end record before it.</param>
    /// <exception cref="MemLoadException">ML2001 to ML2008, ML2014, ML2015, ML1005, ML1013.</exception>
    public static ZipDirectory Read(FileRange file, FileBudget budget, CancellationToken cancellationToken, bool allowsTail = false)
    {
        (long endOffset, int tail) = FindEnd(file, allowsTail);
        (long offset, long length, long count) = FindCentralDirectory(file, endOffset);
        budget.Grant(length);
        budget.Spend(Math.Min(length, file.PieceBytes) + (RecordOverhead * count));
        var directory = new ZipDirectory(checked((int)count)) { TailBytes = tail };
        var entries = new ZipEntries(file, offset, length);
        using var headers = new FileWindow(file);
        for (int i = 0; i < directory._records.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long here = entries.Position;
            (ZipRecord record, int bytes) = directory.ReadEntry(headers, budget, entries.Peek(), here, offset);
            if (!directory.TryAdd(record, i))
            {
                throw Rules.ZipNameRepeated.Broken($"the record {Printable.Quote(record.Name)} occurs twice", file.Path, here);
            }
            entries.Skip(bytes);
        }
        if (entries.Remaining != 0)
        {
            throw Rules.ZipDirectoryInvalid.Broken(
                $"{count} entries leave {entries.Remaining} bytes of the directory unused", file.Path, entries.Position);
        }
        CheckLayout(headers, directory._records, offset, cancellationToken);
        return directory;
    }

    // Records fill the file from its first byte to the directory. Each begins at the end of the previous record or its data descriptor.
    private static void CheckLayout(FileWindow file, ZipRecord[] records, long directoryOffset, CancellationToken ct)
    {
        int[]? order = OrderOf(records);
        long first = records.Length == 0 ? directoryOffset : records[order?[0] ?? 0].Start;
        if (first != 0)
        {
            throw Rules.ZipHidden.Broken($"{first} bytes are before the first record", file.Path, 0);
        }
        for (int i = 0; i < records.Length; i++)
        {
            ct.ThrowIfCancellationRequested();
            ref readonly ZipRecord record = ref records[order?[i] ?? i];
            long next = i + 1 < records.Length ? records[order?[i + 1] ?? (i + 1)].Start : directoryOffset;
            long gap = next - record.End;
            if (gap < 0)
            {
                throw Rules.ZipOverlap.Broken($"a record starts at byte {next}, inside the previous record", file.Path, next);
            }
            if (record.IsDeferred ? gap is not (12 or 16 or 20 or 24) : gap != 0)
            {
                string expected = record.IsDeferred ? "and are not a data descriptor" : "and belong to no record";
                throw Rules.ZipHidden.Broken($"{gap} bytes follow a record {expected}", file.Path, record.End);
            }
            if (record.IsDeferred)
            {
                CheckDescriptor(file.Read(record.End, (int)gap), record, file.Path);
            }
        }
    }

    // The records by their place in the file. Null if they are listed in this order, as usual.
    private static int[]? OrderOf(ZipRecord[] records)
    {
        for (int i = 1; i < records.Length; i++)
        {
            if (records[i].Start < records[i - 1].Start)
            {
                int[] order = [.. Enumerable.Range(0, records.Length)];
                Array.Sort(Array.ConvertAll(records, record => record.Start), order);
                return order;
            }
        }
        return null;
    }

    // An optional signature, the checksum and two sizes of 4 or 8 bytes.
    private static void CheckDescriptor(ReadOnlySpan<byte> descriptor, in ZipRecord record, string path)
    {
        bool signed = descriptor.Length is 16 or 24;
        bool wide = descriptor.Length >= 20;
        ReadOnlySpan<byte> fields = signed ? descriptor[4..] : descriptor;
        ulong stored = wide ? BinaryPrimitives.ReadUInt64LittleEndian(fields[4..]) : U32(fields, 4);
        ulong length = wide ? BinaryPrimitives.ReadUInt64LittleEndian(fields[12..]) : U32(fields, 8);
        if ((signed && U32(descriptor, 0) != DescriptorSignature)
            || U32(fields, 0) != record.Crc
            || stored != (ulong)record.Length
            || length != (ulong)record.Inflated)
        {
            throw Rules.ZipHeaderMismatch.Broken("the data descriptor of a record differs from the directory", path, record.End);
        }
    }

    // PyTorch takes the last end record within 64 KiB of the end. White space has none.
    private static (long Offset, int Tail) FindEnd(FileRange file, bool allowsTail)
    {
        if (file.Length < EndBytes)
        {
            throw Rules.FileTruncated.Broken($"an archive has at least {EndBytes} bytes, and this file has {file.Length}", file.Path);
        }
        long endOffset = file.Length - EndBytes;
        ReadOnlySpan<byte> end = file.ReadBytes(endOffset, EndBytes);
        if (U32(end, 0) == EndSignature && U16(end, 20) == 0)
        {
            return (endOffset, 0);
        }
        int length = (int)Math.Min(file.Length, EndBytes + LongestTail);
        ReadOnlySpan<byte> last = file.ReadBytes(file.Length - length, length);
        int at = last.LastIndexOf("PK\x05\x06"u8);
        if (at >= 0 && length - at > EndBytes && U16(last, at + 20) == 0)
        {
            ReadOnlySpan<byte> tail = last[(at + EndBytes)..];
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

    private static (long Offset, long Length, long Count) FindCentralDirectory(FileRange file, long endOffset)
    {
        ReadOnlySpan<byte> end = file.ReadBytes(endOffset, EndBytes);
        if (U16(end, 4) != 0 || U16(end, 6) != 0 || U16(end, 8) != U16(end, 10))
        {
            throw Rules.ZipDirectoryInvalid.Broken("the archive states that it spans several disks", file.Path, endOffset);
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
                if (U32(locator, 4) != 0 || U32(locator, 16) > 1)
                {
                    throw Rules.ZipDirectoryInvalid.Broken("the zip64 locator states several disks", file.Path, locatorOffset);
                }
                limit = I64(locator, 8, file, locatorOffset);
                if (limit != locatorOffset - Zip64EndBytes)
                {
                    throw Rules.ZipDirectoryInvalid.Broken(
                        $"the zip64 locator points to byte {limit}, the record before it starts at {locatorOffset - Zip64EndBytes}",
                        file.Path,
                        locatorOffset);
                }
                ReadOnlySpan<byte> end64 = file.ReadBytes(limit, Zip64EndBytes);
                if (U32(end64, 0) != Zip64EndSignature
                    || I64(end64, 4, file, limit) != Zip64EndBytes - 12
                    || I64(end64, 24, file, limit) != I64(end64, 32, file, limit)
                    || U32(end64, 16) != 0
                    || U32(end64, 20) != 0)
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
        if (length > LargestDirectory || offset > limit || length != limit - offset || count > length / CentralBytes)
        {
            throw Rules.ZipDirectoryInvalid.Broken(
                $"a directory of {count} entries and {length} bytes at byte {offset} does not end where the end records begin ({limit})",
                file.Path,
                endOffset);
        }
        return (offset, length, count);
    }

    // The bytes begin with the entry. Those of a whole entry are there, unless the directory ends.
    private (ZipRecord Record, int Bytes) ReadEntry(
        FileWindow file, FileBudget budget, ReadOnlySpan<byte> entry, long here, long directoryOffset)
    {
        if (entry.Length < CentralBytes || U32(entry, 0) != CentralSignature)
        {
            throw Rules.ZipDirectoryInvalid.Broken("a directory entry is malformed", file.Path, here);
        }
        ushort flags = U16(entry, 8);
        ushort method = U16(entry, 10);
        uint crc = U32(entry, 16);
        long stored = U32(entry, 20);
        long length = U32(entry, 24);
        int nameLength = U16(entry, 28);
        int extraLength = U16(entry, 30);
        int commentLength = U16(entry, 32);
        long header = U32(entry, 42);
        int bytes = CentralBytes + nameLength + extraLength + commentLength;
        if (bytes > entry.Length)
        {
            throw Rules.ZipDirectoryInvalid.Broken("a directory entry runs past the directory", file.Path, here);
        }
        ReadOnlySpan<byte> rawName = entry.Slice(CentralBytes, nameLength);
        (string stem, int number) = NameOf(rawName, budget, here);
        if ((flags & Encrypted) != 0)
        {
            throw Rules.ZipEncrypted.Broken($"the record {Quoted(stem, number)} is encrypted", file.Path, here);
        }
        if ((flags & ~KnownFlags) != 0)
        {
            throw Rules.ZipFlags.Broken($"the record {Quoted(stem, number)} has the flags 0x{flags:x4}", file.Path, here);
        }
        // The reader of PyTorch does not write the memory of such a record.
        if (stored > 0 && ((U32(entry, 38) & FolderAttribute) != 0 || rawName[^1] == '/'))
        {
            throw Rules.ZipFlags.Broken(
                $"the record {Quoted(stem, number)} has {stored} bytes and is marked as a folder", file.Path, here);
        }
        if (U16(entry, 34) != 0)
        {
            throw Rules.ZipDirectoryInvalid.Broken($"the record {Quoted(stem, number)} states that it is on another disk", file.Path, here);
        }
        ReadExtra(entry.Slice(CentralBytes + nameLength, extraLength), ref length, ref stored, ref header, file.Path, here);

        // The data starts after the local header, which has its own lengths for name and extra field.
        if (header > directoryOffset - LocalBytes - nameLength)
        {
            throw Rules.ZipDirectoryInvalid.Broken(
                $"the header of {Quoted(stem, number)} is outside the records, at byte {header}", file.Path, here);
        }
        ReadOnlySpan<byte> local = file.Read(header, LocalBytes + nameLength);
        budget.Grant(local.Length);
        if (U32(local, 0) != LocalSignature
            || U16(local, 26) != nameLength
            || !local[LocalBytes..].SequenceEqual(rawName)
            || U16(local, 8) != method
            || U16(local, 6) != flags)
        {
            throw Rules.ZipHeaderMismatch.Broken(
                $"the local header of {Quoted(stem, number)} differs from the directory", file.Path, header);
        }
        // Sizes are 0 if a data descriptor follows the data, as in files of PyTorch, or they are in a zip64 field.
        bool deferred = (flags & Deferred) != 0;
        long localStored = U32(local, 18);
        long localLength = U32(local, 22);
        long data = header + LocalBytes + nameLength + U16(local, 28);
        if (data > directoryOffset - stored)
        {
            throw Rules.ZipDirectoryInvalid.Broken(
                $"the record {Quoted(stem, number)} of {stored} bytes at byte {data} runs into the directory", file.Path, header);
        }
        if (localLength == uint.MaxValue || localStored == uint.MaxValue)
        {
            long none = 0;
            long extra = header + LocalBytes + nameLength;
            ReadExtra(file.Read(extra, U16(local, 28)), ref localLength, ref localStored, ref none, file.Path, extra);
            local = file.Read(header, LocalBytes + nameLength);
        }
        if (!Agrees(localLength, length) || !Agrees(localStored, stored))
        {
            throw Rules.ZipHeaderMismatch.Broken(
                $"the local header of {Quoted(stem, number)} states {localLength} bytes ({localStored} stored), the directory {length} "
                    + $"({stored})",
                file.Path,
                header);
        }
        if (!Agrees(U32(local, 14), crc))
        {
            throw Rules.ZipHeaderMismatch.Broken(
                $"the local header of {Quoted(stem, number)} states a different checksum than the directory", file.Path, header);
        }
        return (new ZipRecord(stem, number, data, (int)(data - header), stored, method, length, crc, deferred), bytes);

        bool Agrees(long stated, long listed) => stated == listed || (deferred && stated == 0);
    }

    private static string Quoted(string stem, int number) => Printable.Quote(new ZipRecord { Stem = stem, Number = number }.Name);

    // The parts of a name. The stem of a storage is a string that all of them share.
    private (string Stem, int Number) NameOf(ReadOnlySpan<byte> raw, FileBudget budget, long offset)
    {
        if (_folder is not null
            && raw.StartsWith(_folderBytes)
            && WholeNumber.Of(raw[_folderBytes.Length..], _records.Length) is int known and >= 0)
        {
            return (_folder, known);
        }
        budget.Spend(FileBudget.GrowingEntry + (2 * FileBudget.Text(raw.Length)));
        string name = CheckedName(raw, budget.Path, offset);
        int slash = name.LastIndexOf('/') + 1;
        int number = WholeNumber.Of(name.AsSpan(slash), _records.Length);
        if (number < 0 || (_folder is not null && !IsFolder(name.AsSpan(0, slash))))
        {
            return (name, -1);
        }
        string folder = name[..slash];
        _folder ??= folder;
        _folderBytes = Encoding.UTF8.GetBytes(_folder);
        return (folder, number);
    }

    // Returns false if another record has this name. The case of letters is ignored.
    private bool TryAdd(in ZipRecord record, int place)
    {
        _records[place] = record;
        if (record.Number < 0)
        {
            return _byName.TryAdd(record.Stem, place);
        }
        ref int known = ref _placeOfNumber[record.Number];
        bool isNew = known == 0;
        known = place + 1;
        return isNew;
    }

    /// <summary>Reads the 64-bit sizes and the position of an entry whose 32-bit fields refer to them.</summary>
    /// <exception cref="MemLoadException">ML2002 or ML2007.</exception>
    internal static void ReadExtra(ReadOnlySpan<byte> extra, ref long length, ref long stored, ref long header, string path, long offset)
    {
        bool needed = length == uint.MaxValue || stored == uint.MaxValue || header == uint.MaxValue;
        bool seen = false;
        while (extra.Length >= 4)
        {
            int size = U16(extra, 2);
            if (size > extra.Length - 4)
            {
                throw Rules.ZipDirectoryInvalid.Broken("an extra field runs past its entry", path, offset);
            }
            if (U16(extra, 0) == UnicodePathField)
            {
                throw Rules.ZipNameInvalid.Broken("a record has a second name in an extra field", path, offset);
            }
            if (U16(extra, 0) == Zip64Field)
            {
                if (seen)
                {
                    throw Rules.ZipDirectoryInvalid.Broken("an entry has two zip64 fields", path, offset);
                }
                seen = true;
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
        return IsPlain(name)
            ? name
            : throw Rules.ZipNameInvalid.Broken($"{Printable.Quote(name)} is not a plain record name", path, offset);
    }

    // PyTorch names the folder after the file ('..m' gives './data.pkl'), so it can have any file name. Nothing is extracted. A name is
    // only a key. A slash at the end means a folder, as zip programs write it.
    private static bool IsPlain(ReadOnlySpan<char> name)
    {
        int slash = name.IndexOf('/');
        if (slash > 0)
        {
            if (name[..slash].ContainsAny('\\', '\0'))
            {
                return false;
            }
            name = name[(slash + 1)..];
            if (name.IsEmpty)
            {
                return true;
            }
        }
        if (ControlCharacters.AreInFileName(name))
        {
            return false;
        }
        foreach (char c in name)
        {
            if (c is '\\' or ':' || (c >= 0x80 && char.GetUnicodeCategory(c) == UnicodeCategory.Format))
            {
                return false;
            }
        }
        name = name is [.., '/'] ? name[..^1] : name;
        foreach (Range part in name.Split('/'))
        {
            if (name[part] is "" or "." or "..")
            {
                return false;
            }
        }
        return true;
    }

    internal static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    internal static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long I64(ReadOnlySpan<byte> bytes, int at, FileRange file, long offset)
    {
        long value = BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
        return value >= 0 ? value : throw Rules.ZipDirectoryInvalid.Broken("a 64-bit size exceeds 2^63", file.Path, offset + at);
    }
}
