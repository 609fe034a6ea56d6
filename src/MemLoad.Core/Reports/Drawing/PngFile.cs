using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace MemLoad;

/// <summary>Writes an image as PNG (ISO/IEC 15948): eight bits per channel, no palette, no transparency.</summary>
internal static class PngFile
{
    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];

    public static byte[] Of(Canvas canvas)
    {
        using var file = new MemoryStream();
        file.Write(Signature);
        Span<byte> header = stackalloc byte[13]; // width, height, bits per channel, RGB, deflate, filter method 0, not interlaced
        BinaryPrimitives.WriteInt32BigEndian(header, canvas.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], canvas.Height);
        header[8] = 8;
        header[9] = 2;
        header[10..].Clear();
        Chunk(file, "IHDR"u8, header);
        using var data = new MemoryStream();
        using (var deflate = new ZLibStream(data, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            int row = canvas.Width * 3;
            for (int y = 0; y < canvas.Height; y++)
            {
                deflate.WriteByte(0); // this row is not filtered
                deflate.Write(canvas.Pixels, y * row, row);
            }
        }
        Chunk(file, "IDAT"u8, data.GetBuffer().AsSpan(0, (int)data.Length));
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void Chunk(MemoryStream file, ReadOnlySpan<byte> kind, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(kind);
        file.Write(content);
        var checksum = new Crc32();
        checksum.Append(kind);
        checksum.Append(content);
        BinaryPrimitives.WriteUInt32BigEndian(number, checksum.GetCurrentHashAsUInt32());
        file.Write(number);
    }
}
