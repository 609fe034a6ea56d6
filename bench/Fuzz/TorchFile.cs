using System.Text;

namespace MemLoad.Fuzz;

/// <summary>Writes a pickle into a PyTorch file, with a fixed set of storages of 32 bytes each and one empty storage.</summary>
internal static class TorchFile
{
    /// <summary>
    /// A storage: its key, the class that PyTorch writes for it, the number of its elements, and the bytes of one element.
    /// </summary>
    public sealed record Storage(string Key, string Class, int Count, int ElementBytes);

    private const int Length = 32;

    /// <summary>The storages.</summary>
    public static IReadOnlyList<Storage> Storages { get; } =
    [
        new("0", "torch\nFloatStorage", 8, 4),
        new("1", "torch\nFloatStorage", 8, 4),
        new("2", "torch\nByteStorage", 32, 1),
        new("3", "torch\nLongStorage", 4, 8),
        new("4", "torch\nComplexFloatStorage", 4, 8),
        new("5", "torch\nIntStorage", 0, 4),
        new("6", "torch\nBoolStorage", 32, 1),
        new("7", "torch\nHalfStorage", 16, 2),
        new("8", "torch.storage\nUntypedStorage", 32, 1),
    ];

    private static readonly uint[] CrcTable =
    [
        .. Enumerable
            .Range(0, 256)
            .Select(n => Enumerable.Range(0, 8).Aggregate((uint)n, (c, _) => (c & 1) != 0 ? 0xedb88320 ^ (c >> 1) : c >> 1)),
    ];

    private static readonly byte[][] Contents =
    [
        .. Storages.Select(
            (storage, i) => storage.Count == 0 ? [] : Enumerable.Range(0, Length).Select(n => Content(storage, i, n)).ToArray()),
    ];

    // The records that are equal in each archive: name, data, and checksum.
    private static readonly (byte[] Name, byte[] Data, uint Crc)[] Fixed =
    [
        .. Storages
            .Select((storage, i) => ($"archive/data/{storage.Key}", Contents[i]))
            .Append(("archive/byteorder", "little"u8.ToArray()))
            .Append(("archive/version", "3\n"u8.ToArray()))
            .Select(record => (Encoding.ASCII.GetBytes(record.Item1), record.Item2, Crc(record.Item2))),
    ];

    private static readonly byte[] LegacyHead =
    [
        0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.', 0x80, 2, (byte)'M', 0xe9, 3, (byte)'.',
        0x80, 2, (byte)'}', (byte)'X', 13, 0, 0, 0, .. "little_endian"u8, 0x88, (byte)'s', (byte)'.',
    ];

    /// <summary>Returns an archive as torch.save writes it since PyTorch 1.6.</summary>
    public static byte[] Zip(byte[] pickle)
    {
        var file = new MemoryStream();
        var directory = new MemoryStream();
        using var writer = new BinaryWriter(file);
        using var central = new BinaryWriter(directory);
        Add("archive/data.pkl"u8.ToArray(), pickle, Crc(pickle));
        foreach ((byte[] name, byte[] data, uint crc) in Fixed)
        {
            Add(name, data, crc);
        }
        uint start = (uint)file.Position;
        writer.Write(directory.ToArray());
        writer.Write(0x06054b50);
        writer.Write(0);
        writer.Write((ushort)(Fixed.Length + 1));
        writer.Write((ushort)(Fixed.Length + 1));
        writer.Write((uint)directory.Length);
        writer.Write(start);
        writer.Write((ushort)0);
        return file.ToArray();

        void Add(byte[] name, byte[] data, uint crc)
        {
            uint offset = (uint)file.Position;
            writer.Write(0x04034b50);
            Common(writer, name, data, crc);
            writer.Write(name);
            writer.Write(data);
            central.Write(0x02014b50);
            central.Write((ushort)20);
            Common(central, name, data, crc);
            central.Write(new byte[6]); // comment, disk, internal attributes
            central.Write(0);
            central.Write(offset);
            central.Write(name);
        }

        static void Common(BinaryWriter to, byte[] name, byte[] data, uint crc)
        {
            to.Write((ushort)20);
            to.Write(0); // flags, method
            to.Write(0); // time, date
            to.Write(crc);
            to.Write(data.Length);
            to.Write(data.Length);
            to.Write((ushort)name.Length);
            to.Write((ushort)0);
        }
    }

    /// <summary>Returns a file from before PyTorch 1.6, with the storages of these keys.</summary>
    public static byte[] Legacy(byte[] pickle, IReadOnlyCollection<string> keys)
    {
        var file = new List<byte>(LegacyHead);
        file.AddRange(pickle);
        file.AddRange([0x80, 2, (byte)']', (byte)'(']);
        foreach (string key in keys)
        {
            file.AddRange([(byte)'X', (byte)key.Length, 0, 0, 0, .. Encoding.ASCII.GetBytes(key)]);
        }
        file.AddRange("e."u8.ToArray());
        foreach (string key in keys)
        {
            int i = Storages.TakeWhile(storage => storage.Key != key).Count();
            file.AddRange(BitConverter.GetBytes((long)Storages[i].Count));
            file.AddRange(Contents[i]);
        }
        return [.. file];
    }

    // Returns numbers that are finite in every type and differ between storages. Booleans are 0 or 1.
    private static byte Content(Storage storage, int index, int n) =>
        storage.Class.EndsWith("BoolStorage", StringComparison.Ordinal)
            ? (byte)((n + index) % 3 == 0 ? 1 : 0)
            : (byte)((index * 11) + (n % 23) + 1);

    private static uint Crc(byte[] data) => ~data.Aggregate(uint.MaxValue, (crc, b) => CrcTable[(byte)(crc ^ b)] ^ (crc >> 8));
}
