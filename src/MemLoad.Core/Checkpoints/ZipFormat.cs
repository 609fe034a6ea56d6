using System.Buffers.Binary;

namespace MemLoad;

/// <summary>The signatures and sizes of the parts of an archive (PKWARE's APPNOTE 6.3).</summary>
internal static class ZipFormat
{
    public const uint LocalSignature = 0x04034b50;
    public const uint CentralSignature = 0x02014b50;
    public const uint DescriptorSignature = 0x08074b50;
    public const uint EndSignature = 0x06054b50;
    public const uint Zip64EndSignature = 0x06064b50;
    public const uint Zip64LocatorSignature = 0x07064b50;
    public const int LocalBytes = 30;
    public const int CentralBytes = 46;
    public const int EndBytes = 22;
    public const int Zip64EndBytes = 56;
    public const int Zip64LocatorBytes = 20;

    /// <summary>The number of the extra field that has 64-bit sizes.</summary>
    public const ushort Zip64Field = 1;

    /// <summary>Reads a field of two bytes.</summary>
    public static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    /// <summary>Reads a field of four bytes.</summary>
    public static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
