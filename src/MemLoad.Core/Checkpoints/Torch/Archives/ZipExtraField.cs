using System.Buffers.Binary;

namespace MemLoad;

/// <summary>The extra fields of an entry. Only the zip64 field has a meaning for readers.</summary>
internal static class ZipExtraField
{
    private const ushort UnicodePathField = 0x7075; // another name for the record, which some readers use

    /// <summary>Reads the 64-bit sizes and the position of an entry whose 32-bit fields refer to them.</summary>
    /// <exception cref="MemLoadException">ML2002 or ML2007.</exception>
    public static void Read(ReadOnlySpan<byte> extra, ref long length, ref long stored, ref long header, string path, long offset)
    {
        bool needed = length == uint.MaxValue || stored == uint.MaxValue || header == uint.MaxValue;
        bool seen = false;
        while (extra.Length >= 4)
        {
            int size = ZipFormat.U16(extra, 2);
            if (size > extra.Length - 4)
            {
                throw Rules.ZipDirectoryInvalid.Broken("an extra field runs past its entry", path, offset);
            }
            if (ZipFormat.U16(extra, 0) == UnicodePathField)
            {
                throw Rules.ZipNameInvalid.Broken("a record has a second name in an extra field", path, offset);
            }
            if (ZipFormat.U16(extra, 0) == ZipFormat.Zip64Field)
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
}
