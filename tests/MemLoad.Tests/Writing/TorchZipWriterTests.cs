using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace MemLoad.Tests.Writing;

public sealed class TorchZipWriterTests
{
    private static readonly int[] Sizes = [0, 1, 3, 63, 64, 65, 1000, 70_000];

    [Fact]
    public void The_archive_has_the_records_that_torch_save_writes_in_its_order()
    {
        using var folder = new TemporaryFolder();
        CheckpointWriter.Write(
            new MemorySource().Add("a", DType.Float32, 2).Add("b", DType.UInt8, 3), folder["my model.v2.pth"], CheckpointFormat.TorchZip);

        using ZipArchive archive = ZipFile.OpenRead(folder["my model.v2.pth"]);
        Assert.Equal(
            ["data.pkl", "byteorder", "data/0", "data/1", "version", ".data/serialization_id"],
            archive.Entries.Select(entry => entry.FullName["my model.v2/".Length..]));
        Assert.Equal("little", Text(archive, "my model.v2/byteorder"));
        Assert.Equal("3\n", Text(archive, "my model.v2/version"));
        Assert.Matches("^[0-9]{40}$", Text(archive, "my model.v2/.data/serialization_id"));
    }

    [Fact]
    public void Every_record_starts_at_a_multiple_of_64_and_has_its_checksum_in_both_headers()
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        foreach (int size in Sizes)
        {
            source.Add($"t{size}", DType.UInt8, size);
        }
        for (int nameLength = 1; nameLength <= 64; nameLength += 7)
        {
            string path = folder[new string('n', nameLength) + ".pth"];
            CheckpointWriter.Write(source, path, CheckpointFormat.TorchZip);
            byte[] file = File.ReadAllBytes(path);
            using ZipArchive archive = ZipFile.OpenRead(path);
            Assert.Equal(Sizes.Length + 4, archive.Entries.Count);
            foreach (ZipArchiveEntry entry in archive.Entries)
            {
                byte[] content = Content(entry);
                int header = IndexOf(file, Encoding.UTF8.GetBytes(entry.FullName)) - 30;
                ReadOnlySpan<byte> local = file.AsSpan(header);
                int data = header + 30 + U16(local, 26) + U16(local, 28);
                Assert.Equal(0, data % 64);
                Assert.True(content.AsSpan().SequenceEqual(file.AsSpan(data, content.Length)));
                Assert.Equal(0x0800, U16(local, 6)); // names are UTF-8, no data descriptor
                Assert.Equal(0, U16(local, 8)); // stored
                Assert.Equal(BitwiseCrc32.Of(content), BinaryPrimitives.ReadUInt32LittleEndian(local[14..]));
                Assert.Equal(entry.Crc32, BinaryPrimitives.ReadUInt32LittleEndian(local[14..]));
                Assert.Equal(content.Length, BinaryPrimitives.ReadInt32LittleEndian(local[18..]));
                Assert.Equal(content.Length, BinaryPrimitives.ReadInt32LittleEndian(local[22..]));
            }
        }
    }

    [Fact]
    public void More_records_than_16_bits_count_are_found_through_the_zip64_records()
    {
        const int count = 66_000;
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        for (int i = 0; i < count; i++)
        {
            source.Add($"t{i}", DType.UInt8);
        }
        CheckpointWriter.Write(source, folder["many.pth"], CheckpointFormat.TorchZip);

        using (ZipArchive archive = ZipFile.OpenRead(folder["many.pth"]))
        {
            Assert.Equal(count + 4, archive.Entries.Count);
        }
        var checkpoint = Checkpoint.Open(folder["many.pth"]);
        Assert.Equal(source.Tensors.Select(tensor => tensor.Name), checkpoint.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(source.HashOf(source.Tensors[count - 1]), checkpoint.HashOf(checkpoint.Tensors[count - 1]));
    }

    [Theory]
    [InlineData("model.pth", "model")]
    [InlineData("a.b.c.pt", "a.b.c")]
    [InlineData("none", "none")]
    [InlineData(".pth", "archive")]
    [InlineData("...pth", "archive")]
    [InlineData(" .pth", "archive")]
    [InlineData("größe.pth", "archive")]
    [InlineData("a\nb.pth", "archive")]
    [InlineData("a\\b.pth", "archive")]
    public void The_folder_in_the_archive_is_the_stem_of_the_file_if_that_is_safe(string file, string expected) =>
        Assert.Equal(expected, TorchZipWriter.ArchiveName(file));

    [Fact]
    public void Equal_content_gives_equal_files_and_other_content_another_id()
    {
        using var folder = new TemporaryFolder();
        foreach (string place in new[] { "1", "2" })
        {
            Directory.CreateDirectory(folder[place]);
            CheckpointWriter.Write(new MemorySource().Add("a", DType.Float32, 100), folder[$"{place}/m.pth"], CheckpointFormat.TorchZip);
        }
        var other = new MemorySource();
        other.AddStorage(1); // advances the random numbers
        CheckpointWriter.Write(other.Add("a", DType.Float32, 100), folder["m.pth"], CheckpointFormat.TorchZip);

        Assert.Equal(File.ReadAllBytes(folder["1/m.pth"]), File.ReadAllBytes(folder["2/m.pth"]));
        using ZipArchive one = ZipFile.OpenRead(folder["1/m.pth"]);
        using ZipArchive another = ZipFile.OpenRead(folder["m.pth"]);
        Assert.NotEqual(Text(one, "m/.data/serialization_id"), Text(another, "m/.data/serialization_id"));
    }

    [Fact]
    public void Views_of_one_storage_share_one_record_and_keep_their_strides()
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        int storage = source.AddStorage(60 * 4);
        source.AddView("transposed", DType.Float32, storage, 10, [6, 4], [1, 6])
            .AddView("expanded", DType.Float32, storage, 3, [5, 2], [0, 1])
            .AddView("empty", DType.Float32, storage, 60, [0, 9], [9, 1])
            .AddView("tail", DType.Float32, storage, 50, [10], [1]);
        CheckpointWriter.Write(source, folder["views.pth"], CheckpointFormat.TorchZip);

        var checkpoint = Checkpoint.Open(folder["views.pth"]);
        Assert.Equal(source.Lines(strides: true), checkpoint.Lines(strides: true));
        Assert.Equal(source.Sharing(), checkpoint.Sharing());
        using ZipArchive archive = ZipFile.OpenRead(folder["views.pth"]);
        Assert.Equal(240, archive.GetEntry("views/data/0")!.Length);
        Assert.Null(archive.GetEntry("views/data/1"));
    }

    [Fact]
    public void A_storage_seen_through_several_types_is_written_once_for_each_and_only_as_far_as_used()
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        int storage = source.AddStorage(1000);
        source.AddView("f", DType.Float32, storage, 10, [5], [1]) // bytes 40 to 60
            .AddView("g", DType.Float32, storage, 12, [2, 4], [4, 1]) // bytes 48 to 80
            .AddView("i", DType.Int16, storage, 100, [3, 2], [5, 2]) // bytes 200 to 226
            .AddView("u", DType.UInt16, storage, 3, [4], [1]) // untyped: bytes 6 to 14
            .AddView("e", DType.Float8E5M2, storage, 1, [4], [2]); // untyped: bytes 1 to 8
        CheckpointWriter.Write(source, folder["mixed.pth"], CheckpointFormat.TorchZip);

        var checkpoint = Checkpoint.Open(folder["mixed.pth"]);
        Assert.Equal(source.Lines(strides: true), checkpoint.Lines(strides: true));
        Assert.Equal(["e u", "f g"], checkpoint.Sharing());
        using ZipArchive archive = ZipFile.OpenRead(folder["mixed.pth"]);
        Assert.Equal([40L, 26, 14], Enumerable.Range(0, 3).Select(i => archive.GetEntry($"mixed/data/{i}")!.Length));
    }

    [Fact]
    public void A_range_far_into_a_storage_is_found_for_any_pieces()
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        int storage = source.AddStorage(2_000_000); // comes in pieces of at most 200,000 bytes
        source.AddView("f", DType.Float32, storage, 250_000, [80_000], [1]) // bytes 1,000,000 to 1,320,000
            .AddView("i", DType.Int16, storage, 900_000, [300, 200], [200, 1]) // bytes 1,800,000 to 1,920,000
            .AddView("none", DType.Float64, storage, 100_000, [0, 3], [3, 1]); // no bytes
        CheckpointWriter.Write(source, folder["far.pth"], CheckpointFormat.TorchZip);

        Assert.Equal(source.Lines(strides: true), Checkpoint.Open(folder["far.pth"]).Lines(strides: true));
        using ZipArchive archive = ZipFile.OpenRead(folder["far.pth"]);
        Assert.Equal([320_000L, 120_000, 0], Enumerable.Range(0, 3).Select(i => archive.GetEntry($"far/data/{i}")!.Length));
    }

    [Fact]
    public void Only_storages_that_tensors_use_are_written()
    {
        using var folder = new TemporaryFolder();
        MemorySource source = new MemorySource().Add("big", DType.UInt8, 100_000).Add("small", DType.UInt8, 10);
        CheckpointWriter.Write(new Subset(source, tensor => tensor.Name == "small"), folder["part.pth"], CheckpointFormat.TorchZip);

        Assert.InRange(new FileInfo(folder["part.pth"]).Length, 1, 2000);
    }

    [Fact]
    public void A_single_tensor_without_a_name_is_written_bare()
    {
        using var folder = new TemporaryFolder();
        MemorySource source = new MemorySource().Add("", DType.Int64, 3, 2);
        CheckpointWriter.Write(source, folder["bare.pt"], CheckpointFormat.TorchZip);

        Assert.Equal(source.Lines(strides: true), Checkpoint.Open(folder["bare.pt"]).Lines(strides: true));
    }

    [Fact]
    public void Sizes_and_offsets_of_any_width_come_back()
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        int storage = source.AddStorage(70_000);
        foreach (long offset in new[] { 0L, 255, 256, 65_535, 65_536 })
        {
            source.AddView($"at {offset}", DType.UInt8, storage, offset, [1, 2], [1L << 40, 1]);
        }
        source.AddView("empty", DType.UInt8, storage, 0, [long.MaxValue, 0, 1, 2, 3], [0, 0, 6, 3, 1]);
        CheckpointWriter.Write(source, folder["wide.pth"], CheckpointFormat.TorchZip);

        Assert.Equal(source.Lines(strides: true), Checkpoint.Open(folder["wide.pth"]).Lines(strides: true));
    }

    private static string Text(ZipArchive archive, string name) => Encoding.ASCII.GetString(Content(archive.GetEntry(name)!));

    private static byte[] Content(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static int IndexOf(byte[] file, byte[] name) => file.AsSpan().IndexOf(name);
}
