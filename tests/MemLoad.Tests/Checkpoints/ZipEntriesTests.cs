using System.Buffers.Binary;

namespace MemLoad.Tests.Checkpoints;

/// <summary>The directory of an archive that is read in pieces.</summary>
public sealed class ZipEntriesTests
{
    [Fact]
    public void Each_header_is_requested_once_however_many_pieces_the_directory_has()
    {
        const int count = 200_000; // entries of 46 bytes: three pieces
        const int entryBytes = 46;
        byte[] directory = new byte[count * entryBytes];
        for (int i = 0; i < count; i++)
        {
            Span<byte> entry = directory.AsSpan(i * entryBytes, entryBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[20..], 1 << 20); // stored bytes
            BinaryPrimitives.WriteInt32LittleEndian(entry[42..], i); // where the header is
        }
        var file = new Memory(directory);
        var entries = new ZipEntries(file, 0, directory.Length);

        for (int i = 0; i < count; i++)
        {
            Assert.Equal(i, BinaryPrimitives.ReadInt32LittleEndian(entries.Peek()[42..]));
            entries.Skip(entryBytes);
        }

        Assert.Equal(0, entries.Remaining);
        Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), file.Requested);
    }

    private sealed class Memory(byte[] bytes) : FileRange
    {
        public List<long> Requested { get; } = [];

        public override string Path => "x.pth";

        public override long Length => bytes.Length;

        public override void ReadExactly(long offset, Span<byte> destination) =>
            bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);

        public override void Expect(long offset, long count) => Requested.Add(offset);
    }
}
