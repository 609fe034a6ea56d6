using System.Text;

namespace MemLoad;

/// <summary>
/// The positions of the records in an archive of stored (uncompressed) files. Each local header is padded so that the bytes of its record
/// start at a multiple of 64, as in archives of PyTorch. Field numbers and sizes are those of PKWARE's APPNOTE 6.3.
/// </summary>
internal static class ZipLayout
{
    public const int Alignment = 64;
    public const int ExtraHeaderBytes = 4;

    /// <summary>The value of a 32-bit field whose real value is in a zip64 field. Smaller values do not need a zip64 field.</summary>
    public const uint See64 = uint.MaxValue;

    /// <summary>The value of a 16-bit field whose real value is in a zip64 record.</summary>
    public const ushort See64Count = ushort.MaxValue;

    public static bool NeedsZip64(long value) => value >= See64;

    /// <summary>Bytes of a local header's zip64 field: both sizes, or nothing.</summary>
    public static int LocalZip64Bytes(long length) => NeedsZip64(length) ? ExtraHeaderBytes + 16 : 0;

    /// <summary>Bytes of the zip64 field of a central header: the sizes and the offset that need it.</summary>
    public static int CentralZip64Bytes(long length, long offset)
    {
        int values = (NeedsZip64(length) ? 16 : 0) + (NeedsZip64(offset) ? 8 : 0);
        return values == 0 ? 0 : ExtraHeaderBytes + values;
    }

    /// <summary>Returns the number of padding bytes at the end of a local header at this offset.</summary>
    public static int Padding(long offset, int nameBytes, long length)
    {
        long unpadded = offset + ZipFormat.LocalBytes + nameBytes + LocalZip64Bytes(length) + ExtraHeaderBytes;
        return (int)((Alignment - (unpadded % Alignment)) % Alignment);
    }

    /// <summary>Returns the bytes of an archive with these records. Names include their prefix.</summary>
    /// <exception cref="OverflowException">They do not fit 64 bits.</exception>
    public static long TotalBytes(IEnumerable<(string Name, long Length)> records)
    {
        long position = 0;
        long central = 0;
        foreach ((string name, long length) in records)
        {
            int nameBytes = Encoding.UTF8.GetByteCount(name);
            checked
            {
                central += ZipFormat.CentralBytes + nameBytes + CentralZip64Bytes(length, position);
                position += ZipFormat.LocalBytes + nameBytes + LocalZip64Bytes(length) + ExtraHeaderBytes
                    + Padding(position, nameBytes, length) + length;
            }
        }
        return checked(position + central + ZipFormat.Zip64EndBytes + ZipFormat.Zip64LocatorBytes + ZipFormat.EndBytes);
    }
}
