using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace MemLoad.Tests.Corpus;

/// <summary>A record of a forged archive: its written bytes, and the incorrect values in its headers.</summary>
internal sealed class ForgedRecord(string name, byte[] data)
{
    public byte[] Name { get; set; } = Encoding.UTF8.GetBytes(name);
    public byte[]? LocalName { get; set; }
    public byte[] Data { get; set; } = data;
    public ushort Flags { get; set; }
    public ushort? LocalFlags { get; set; }
    public ushort Method { get; set; }
    public ushort? LocalMethod { get; set; }
    public uint LocalSignature { get; set; } = 0x04034b50;
    public uint CentralSignature { get; set; } = 0x02014b50;
    public uint? LocalCrc { get; set; }
    public uint? LocalStored { get; set; }
    public uint? LocalLength { get; set; }
    public uint? Crc { get; set; }
    public uint? Stored { get; set; }
    public uint? Length { get; set; }
    public uint? Offset { get; set; }
    public ushort? LocalNameLength { get; set; }
    public ushort? CentralNameLength { get; set; }
    public ushort? LocalExtraLength { get; set; }
    public ushort? CentralExtraLength { get; set; }
    public byte[] LocalExtra { get; set; } = [];
    public byte[] CentralExtra { get; set; } = [];
    public byte[] Comment { get; set; } = [];
    public ushort Disk { get; set; }
    public uint ExternalAttributes { get; set; }
    /// <summary>
    /// The bytes between the data of this record and the next header: a data descriptor, or bytes that are not allowed there.
    /// </summary>
    public byte[] After { get; set; } = [];
    public bool Listed { get; set; } = true;
    public bool Written { get; set; } = true;

    public byte[] Descriptor(uint? crc = null, uint? stored = null, uint? length = null, bool signed = true) =>
        PickleForge.Cat(
            signed ? PickleForge.Four(0x08074b50) : [],
            PickleForge.Four(crc ?? TrueCrc),
            PickleForge.Four(stored ?? (uint)Data.Length),
            PickleForge.Four(length ?? (uint)Data.Length));

    /// <summary>Returns a descriptor whose lengths have 64 bits.</summary>
    public byte[] WideDescriptor(ulong? stored = null, ulong? length = null, bool signed = true) =>
        PickleForge.Cat(
            signed ? PickleForge.Four(0x08074b50) : [],
            PickleForge.Four(TrueCrc),
            PickleForge.Eight(stored ?? (ulong)Data.Length),
            PickleForge.Eight(length ?? (ulong)Data.Length));

    /// <summary>Moves the checksum and the lengths to a descriptor after the data.</summary>
    public void Defer(byte[] descriptor)
    {
        (Flags, LocalCrc, LocalStored, LocalLength) = (8, 0, 0, 0);
        After = descriptor;
    }

    public uint TrueCrc => Crc32.HashToUInt32(Data);
}

/// <summary>Writes zip archives field by field, both sound and malformed.</summary>
internal sealed class ZipForge
{
    public List<ForgedRecord> Records { get; } = [];
    public byte[] Before { get; set; } = [];
    public byte[] BeforeDirectory { get; set; } = [];
    public byte[] AfterDirectory { get; set; } = [];
    public byte[] Comment { get; set; } = [];
    public byte[] Trailing { get; set; } = [];
    public ushort Disk { get; set; }
    public ushort DirectoryDisk { get; set; }
    public ushort? Count { get; set; }
    public ushort? DiskCount { get; set; }
    public uint? DirectoryLength { get; set; }
    public uint? DirectoryOffset { get; set; }
    public uint EndSignature { get; set; } = 0x06054b50;
    /// <summary>Returns the bytes before the end record, for the count, the length, the offset and the end of the directory.</summary>
    public Func<ulong, ulong, ulong, ulong, byte[]>? Zip64 { get; set; }

    /// <summary>Whether the directory lists the last record first.</summary>
    public bool Reversed { get; set; }

    public ForgedRecord this[string name] => Records.Single(record => Encoding.UTF8.GetString(record.Name) == "archive/" + name);

    public ForgedRecord Add(string name, byte[] data)
    {
        var record = new ForgedRecord(name, data);
        Records.Add(record);
        return record;
    }

    /// <summary>Returns the archive that torch.save writes for one tensor of four float32, with changes.</summary>
    public static byte[] Torch(Action<ZipForge>? change = null, byte[]? pickle = null)
    {
        var zip = new ZipForge();
        zip.Add("archive/data.pkl", pickle ?? PickleForge.Whole(PickleForge.StateDict()));
        zip.Add("archive/byteorder", "little"u8.ToArray());
        zip.Add("archive/data/0", [.. Enumerable.Range(1, 16).Select(i => (byte)i)]);
        zip.Add("archive/version", "3\n"u8.ToArray());
        change?.Invoke(zip);
        return zip.Bytes();
    }

    public static byte[] Zip64End(
        ulong count,
        ulong length,
        ulong offset,
        ulong at,
        ulong size = 44,
        uint disk = 0,
        ulong? diskCount = null,
        ulong? locator = null,
        uint disks = 1,
        uint signature = 0x06064b50) =>
        PickleForge.Cat(
            PickleForge.Four(signature),
            PickleForge.Eight(size),
            [45, 0, 45, 0],
            PickleForge.Four(disk),
            PickleForge.Four(0),
            PickleForge.Eight(diskCount ?? count),
            PickleForge.Eight(count),
            PickleForge.Eight(length),
            PickleForge.Eight(offset),
            PickleForge.Four(0x07064b50),
            PickleForge.Four(0),
            PickleForge.Eight(locator ?? at),
            PickleForge.Four(disks));

    public static byte[] Deflate(byte[] data)
    {
        using var target = new MemoryStream();
        using (var deflate = new DeflateStream(target, CompressionLevel.SmallestSize))
        {
            deflate.Write(data);
        }
        return target.ToArray();
    }

    public byte[] Bytes()
    {
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write(Before);
        var directory = new List<byte[]>();
        foreach (ForgedRecord record in Records)
        {
            uint offset = (uint)file.Position;
            if (record.Written)
            {
                WriteLocal(writer, record);
            }
            if (record.Listed)
            {
                directory.Add(Central(record, offset));
            }
        }
        writer.Write(BeforeDirectory);
        ulong start = (ulong)file.Position;
        if (Reversed)
        {
            directory.Reverse();
        }
        directory.ForEach(writer.Write);
        writer.Write(AfterDirectory);
        ulong length = (ulong)file.Position - start;
        if (Zip64 is not null)
        {
            writer.Write(Zip64((ulong)directory.Count, length, start, (ulong)file.Position));
        }
        writer.Write(EndSignature);
        writer.Write(Disk);
        writer.Write(DirectoryDisk);
        writer.Write(DiskCount ?? Count ?? (ushort)directory.Count);
        writer.Write(Count ?? (ushort)directory.Count);
        writer.Write(DirectoryLength ?? (uint)length);
        writer.Write(DirectoryOffset ?? (uint)start);
        writer.Write((ushort)Comment.Length);
        writer.Write(Comment);
        writer.Write(Trailing);
        return file.ToArray();
    }

    private static void WriteLocal(BinaryWriter writer, ForgedRecord record)
    {
        byte[] name = record.LocalName ?? record.Name;
        writer.Write(record.LocalSignature);
        writer.Write((ushort)20);
        writer.Write(record.LocalFlags ?? record.Flags);
        writer.Write(record.LocalMethod ?? record.Method);
        writer.Write(0);
        writer.Write(record.LocalCrc ?? record.Crc ?? record.TrueCrc);
        writer.Write(record.LocalStored ?? record.Stored ?? (uint)record.Data.Length);
        writer.Write(record.LocalLength ?? record.Length ?? (uint)record.Data.Length);
        writer.Write(record.LocalNameLength ?? (ushort)name.Length);
        writer.Write(record.LocalExtraLength ?? (ushort)record.LocalExtra.Length);
        writer.Write(name);
        writer.Write(record.LocalExtra);
        writer.Write(record.Data);
        writer.Write(record.After);
    }

    private static byte[] Central(ForgedRecord record, uint offset)
    {
        using var entry = new MemoryStream();
        using var writer = new BinaryWriter(entry);
        writer.Write(record.CentralSignature);
        writer.Write((ushort)20);
        writer.Write((ushort)20);
        writer.Write(record.Flags);
        writer.Write(record.Method);
        writer.Write(0);
        writer.Write(record.Crc ?? record.TrueCrc);
        writer.Write(record.Stored ?? (uint)record.Data.Length);
        writer.Write(record.Length ?? (uint)record.Data.Length);
        writer.Write(record.CentralNameLength ?? (ushort)record.Name.Length);
        writer.Write(record.CentralExtraLength ?? (ushort)record.CentralExtra.Length);
        writer.Write((ushort)record.Comment.Length);
        writer.Write(record.Disk);
        writer.Write((ushort)0);
        writer.Write(record.ExternalAttributes);
        writer.Write(record.Offset ?? offset);
        writer.Write(record.Name);
        writer.Write(record.CentralExtra);
        writer.Write(record.Comment);
        return entry.ToArray();
    }
}
