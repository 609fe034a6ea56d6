using System.Buffers.Binary;

namespace MemLoad;

/// <summary>Checks that records fill an archive from its first byte to the directory, so that nothing is hidden between them.</summary>
internal static class ZipRecordOrder
{
    /// <summary>Checks that each record begins at the end of the previous record or of its data descriptor.</summary>
    /// <exception cref="MemLoadException">ML2003, ML2008 or ML2014.</exception>
    public static void Check(FileWindow file, ZipRecord[] records, long directoryOffset, CancellationToken ct)
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
        ulong stored = wide ? BinaryPrimitives.ReadUInt64LittleEndian(fields[4..]) : ZipFormat.U32(fields, 4);
        ulong length = wide ? BinaryPrimitives.ReadUInt64LittleEndian(fields[12..]) : ZipFormat.U32(fields, 8);
        if ((signed && ZipFormat.U32(descriptor, 0) != ZipFormat.DescriptorSignature)
            || ZipFormat.U32(fields, 0) != record.Crc
            || stored != (ulong)record.Length
            || length != (ulong)record.Inflated)
        {
            throw Rules.ZipHeaderMismatch.Broken("the data descriptor of a record differs from the directory", path, record.End);
        }
    }
}
