using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace MemLoad;

/// <summary>
/// Writes an archive of stored files with the layout of <see cref="ZipLayout"/>, with sizes and checksums in both headers.
/// </summary>
internal sealed class ZipArchiveWriter(FileAppender output)
{
    private const int CrcField = 14; // offset in a local header
    private const ushort Plain = 20; // version 2.0 of the format
    private const ushort WithZip64 = 45; // version 4.5
    private const ushort Utf8Names = 1 << 11;
    private const ushort FirstDay = (1 << 5) | 1; // 1 January 1980: equal content gives equal files, whenever written
    private const ushort PaddingField = 'F' | ('B' << 8); // PyTorch's
    private const byte PaddingByte = (byte)'Z';

    private readonly List<(string Name, uint Crc, long Length, long Offset)> _records = [];

    /// <summary>Adds a record and returns its checksum.</summary>
    /// <exception cref="MemLoadException">ML9110 if the number of bytes differs from the announced number; ML9104 and ML9105.</exception>
    public uint Add(string name, StoredBytes bytes)
    {
        long header = output.Position;
        output.Append(LocalHeader(Encoding.UTF8.GetBytes(name), bytes.Length, header));
        var checksum = new Crc32();
        long left = bytes.Length;
        bytes.Write(output, piece =>
        {
            left -= piece.Length;
            if (left < 0)
            {
                throw Rules.SourceInconsistent.Broken($"record {Printable.Quote(name)} has more bytes than the {bytes.Length} expected");
            }
            checksum.Append(piece);
        });
        if (left != 0)
        {
            throw Rules.SourceInconsistent.Broken($"record {Printable.Quote(name)} ends {left} bytes before the {bytes.Length} expected");
        }
        uint crc = checksum.GetCurrentHashAsUInt32();
        Span<byte> field = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(field, crc);
        output.Patch(header + CrcField, field);
        _records.Add((name, crc, bytes.Length, header));
        return crc;
    }

    /// <summary>Writes the central directory and the end records.</summary>
    public void Finish()
    {
        long start = output.Position;
        foreach ((string name, uint crc, long length, long offset) in _records)
        {
            output.Append(CentralHeader(Encoding.UTF8.GetBytes(name), crc, length, offset));
        }
        long end = output.Position;

        // PyTorch always writes the zip64 end records. Readers of its files therefore read these files.
        var record = new Fields(ZipFormat.Zip64EndBytes);
        record.Add32(ZipFormat.Zip64EndSignature);
        record.Add64(ZipFormat.Zip64EndBytes - 12); // without signature and this field
        record.Add16(WithZip64);
        record.Add16(WithZip64);
        record.Add32(0);
        record.Add32(0);
        record.Add64(_records.Count);
        record.Add64(_records.Count);
        record.Add64(end - start);
        record.Add64(start);
        output.Append(record.Bytes);

        var locator = new Fields(ZipFormat.Zip64LocatorBytes);
        locator.Add32(ZipFormat.Zip64LocatorSignature);
        locator.Add32(0);
        locator.Add64(end);
        locator.Add32(1);
        output.Append(locator.Bytes);

        ushort count = (ushort)Math.Min(_records.Count, ZipLayout.See64Count);
        var last = new Fields(ZipFormat.EndBytes);
        last.Add32(ZipFormat.EndSignature);
        last.Add16(0);
        last.Add16(0);
        last.Add16(count);
        last.Add16(count);
        last.Add32(Clamp(end - start));
        last.Add32(Clamp(start));
        last.Add16(0);
        output.Append(last.Bytes);
    }

    private static byte[] LocalHeader(byte[] name, long length, long offset)
    {
        int zip64 = ZipLayout.LocalZip64Bytes(length);
        int padding = ZipLayout.Padding(offset, name.Length, length);
        var header = new Fields(ZipFormat.LocalBytes + name.Length + zip64 + ZipLayout.ExtraHeaderBytes + padding);
        header.Add32(ZipFormat.LocalSignature);
        // The checksum follows when it is known.
        AddFacts(ref header, zip64, 0, length, name.Length, zip64 + ZipLayout.ExtraHeaderBytes + padding);
        header.Add(name);
        if (zip64 > 0)
        {
            header.Add16(ZipFormat.Zip64Field);
            header.Add16((ushort)(zip64 - ZipLayout.ExtraHeaderBytes));
            header.Add64(length);
            header.Add64(length);
        }
        header.Add16(PaddingField);
        header.Add16((ushort)padding);
        header.Fill(padding, PaddingByte);
        return header.Bytes;
    }

    private static byte[] CentralHeader(byte[] name, uint crc, long length, long offset)
    {
        int zip64 = ZipLayout.CentralZip64Bytes(length, offset);
        var header = new Fields(ZipFormat.CentralBytes + name.Length + zip64);
        header.Add32(ZipFormat.CentralSignature);
        header.Add16(WithZip64); // the version of the writer
        AddFacts(ref header, zip64, crc, length, name.Length, zip64);
        header.Add16(0); // no comment
        header.Add16(0); // the first disk
        header.Add16(0); // internal attributes
        header.Add32(0); // external attributes
        header.Add32(Clamp(offset));
        header.Add(name);
        if (zip64 > 0)
        {
            header.Add16(ZipFormat.Zip64Field);
            header.Add16((ushort)(zip64 - ZipLayout.ExtraHeaderBytes));
            if (ZipLayout.NeedsZip64(length))
            {
                header.Add64(length);
                header.Add64(length);
            }
            if (ZipLayout.NeedsZip64(offset))
            {
                header.Add64(offset);
            }
        }
        return header.Bytes;
    }

    // Writes the fields that both headers of a record have in common.
    private static void AddFacts(ref Fields header, int zip64, uint crc, long length, int nameBytes, int extraBytes)
    {
        header.Add16(zip64 > 0 ? WithZip64 : Plain);
        header.Add16(Utf8Names);
        header.Add16(0); // stored
        header.Add16(0); // midnight
        header.Add16(FirstDay);
        header.Add32(crc);
        header.Add32(Clamp(length));
        header.Add32(Clamp(length));
        header.Add16((ushort)nameBytes);
        header.Add16((ushort)extraBytes);
    }

    private static uint Clamp(long value) => (uint)Math.Min(value, ZipLayout.See64);

    // Little-endian fields one after the other.
    private struct Fields(int length)
    {
        private int _at;

        public byte[] Bytes { get; } = new byte[length];

        public void Add16(ushort value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(Bytes.AsSpan(_at), value);
            _at += 2;
        }

        public void Add32(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(Bytes.AsSpan(_at), value);
            _at += 4;
        }

        public void Add64(long value)
        {
            BinaryPrimitives.WriteInt64LittleEndian(Bytes.AsSpan(_at), value);
            _at += 8;
        }

        public void Add(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(Bytes.AsSpan(_at));
            _at += bytes.Length;
        }

        public void Fill(int count, byte value)
        {
            Bytes.AsSpan(_at, count).Fill(value);
            _at += count;
        }
    }
}
