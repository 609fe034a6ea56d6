using System.Text;

namespace MemLoad;

/// <summary>
/// The directory of a PyTorch archive (APPNOTE 6.3: end record, zip64 records, central directory, local headers), read strictly. It has one
/// end record at the end of the file. Local headers and data descriptors match the directory. Records have no overlaps, gaps or ambiguous
/// names.
/// </summary>
internal sealed class ZipDirectory
{
    private const int Encrypted = 0x2041; // by one of the three methods
    private const int Deferred = 0x0008; // sizes and checksum follow the data

    // UTF-8 names; a level of compression, which means nothing for stored records.
    private const int KnownFlags = Deferred | 0x0800 | 0x0006;
    private const int FolderAttribute = 0x10; // of MS-DOS, in the external attributes

    // Bytes of a record without its name: the record, its place in the order of the file, and its entry by number.
    private const int RecordOverhead = 48 + 16 + 4;

    // The maximum length of a name to find. Names of PyTorch have a few dozen characters.
    private const int LongestName = 1024;

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
        (long endOffset, int tail) = ZipEnd.Find(file, allowsTail);
        (long offset, long length, long count) = ZipEnd.DirectoryOf(file, endOffset);
        budget.Grant(length);
        budget.Spend(ZipEntries.PieceBytes(length) + (RecordOverhead * count));
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
        ZipRecordOrder.Check(headers, directory._records, offset, cancellationToken);
        return directory;
    }

    // The bytes begin with the entry. Those of a whole entry are there, unless the directory ends.
    private (ZipRecord Record, int Bytes) ReadEntry(
        FileWindow file, FileBudget budget, ReadOnlySpan<byte> entry, long here, long directoryOffset)
    {
        if (entry.Length < ZipFormat.CentralBytes || ZipFormat.U32(entry, 0) != ZipFormat.CentralSignature)
        {
            throw Rules.ZipDirectoryInvalid.Broken("a directory entry is malformed", file.Path, here);
        }
        ushort flags = ZipFormat.U16(entry, 8);
        ushort method = ZipFormat.U16(entry, 10);
        uint crc = ZipFormat.U32(entry, 16);
        long stored = ZipFormat.U32(entry, 20);
        long length = ZipFormat.U32(entry, 24);
        int nameLength = ZipFormat.U16(entry, 28);
        int extraLength = ZipFormat.U16(entry, 30);
        int commentLength = ZipFormat.U16(entry, 32);
        long header = ZipFormat.U32(entry, 42);
        int bytes = ZipFormat.CentralBytes + nameLength + extraLength + commentLength;
        if (bytes > entry.Length)
        {
            throw Rules.ZipDirectoryInvalid.Broken("a directory entry runs past the directory", file.Path, here);
        }
        ReadOnlySpan<byte> rawName = entry.Slice(ZipFormat.CentralBytes, nameLength);
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
        if (stored > 0 && ((ZipFormat.U32(entry, 38) & FolderAttribute) != 0 || rawName[^1] == '/'))
        {
            throw Rules.ZipFlags.Broken(
                $"the record {Quoted(stem, number)} has {stored} bytes and is marked as a folder", file.Path, here);
        }
        if (ZipFormat.U16(entry, 34) != 0)
        {
            throw Rules.ZipDirectoryInvalid.Broken($"the record {Quoted(stem, number)} states that it is on another disk", file.Path, here);
        }
        ZipExtraField.Read(
            entry.Slice(ZipFormat.CentralBytes + nameLength, extraLength), ref length, ref stored, ref header, file.Path, here);

        // The data starts after the local header, which has its own lengths for name and extra field.
        if (header > directoryOffset - ZipFormat.LocalBytes - nameLength)
        {
            throw Rules.ZipDirectoryInvalid.Broken(
                $"the header of {Quoted(stem, number)} is outside the records, at byte {header}", file.Path, here);
        }
        ReadOnlySpan<byte> local = file.Read(header, ZipFormat.LocalBytes + nameLength);
        budget.Grant(local.Length);
        if (ZipFormat.U32(local, 0) != ZipFormat.LocalSignature
            || ZipFormat.U16(local, 26) != nameLength
            || !local[ZipFormat.LocalBytes..].SequenceEqual(rawName)
            || ZipFormat.U16(local, 8) != method
            || ZipFormat.U16(local, 6) != flags)
        {
            throw Rules.ZipHeaderMismatch.Broken(
                $"the local header of {Quoted(stem, number)} differs from the directory", file.Path, header);
        }
        // Sizes are 0 if a data descriptor follows the data, as in files of PyTorch, or they are in a zip64 field.
        bool deferred = (flags & Deferred) != 0;
        long localStored = ZipFormat.U32(local, 18);
        long localLength = ZipFormat.U32(local, 22);
        long data = header + ZipFormat.LocalBytes + nameLength + ZipFormat.U16(local, 28);
        if (data > directoryOffset - stored)
        {
            throw Rules.ZipDirectoryInvalid.Broken(
                $"the record {Quoted(stem, number)} of {stored} bytes at byte {data} runs into the directory", file.Path, header);
        }
        if (localLength == uint.MaxValue || localStored == uint.MaxValue)
        {
            long none = 0;
            long extra = header + ZipFormat.LocalBytes + nameLength;
            ZipExtraField.Read(file.Read(extra, ZipFormat.U16(local, 28)), ref localLength, ref localStored, ref none, file.Path, extra);
            local = file.Read(header, ZipFormat.LocalBytes + nameLength);
        }
        if (!Agrees(localLength, length) || !Agrees(localStored, stored))
        {
            throw Rules.ZipHeaderMismatch.Broken(
                $"the local header of {Quoted(stem, number)} states {localLength} bytes ({localStored} stored), the directory {length} "
                    + $"({stored})",
                file.Path,
                header);
        }
        if (!Agrees(ZipFormat.U32(local, 14), crc))
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
        string name = ZipRecordName.Of(raw, budget.Path, offset);
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
}
