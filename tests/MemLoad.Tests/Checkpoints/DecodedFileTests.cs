using System.IO.Compression;
using static MemLoad.Tests.Checkpoints.CheckpointKit;

namespace MemLoad.Tests.Checkpoints;

/// <summary>
/// Archives whose bytes are not those of the elements: deflated archives, as libraries for .NET write them, and big-endian archives.
/// </summary>
public sealed class DecodedFileTests : IDisposable
{
    private static readonly Strategy[] Copying =
    [
        Strategy.Baseline,
        Strategy.Sequential,
        Strategy.Meta,
        Strategy.PerTensor,
        Strategy.Stream,
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Returns the archive with every record deflated and changed.
    private string Rewrite(string fixture, CompressionLevel level, Func<string, byte[], byte[]>? change = null)
    {
        string path = _folder["x.pth"];
        using ZipArchive source = ZipFile.OpenRead(Fixtures.PathOf(fixture));
        using ZipArchive target = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (ZipArchiveEntry entry in source.Entries)
        {
            using var bytes = new MemoryStream();
            using (Stream read = entry.Open())
            {
                read.CopyTo(bytes);
            }
            using Stream write = target.CreateEntry(entry.FullName, level).Open();
            write.Write(change?.Invoke(entry.FullName, bytes.ToArray()) ?? bytes.ToArray());
        }
        return path;
    }

    // Every number of a storage of the fixture has four bytes, which are swapped.
    private string BigEndian(CompressionLevel level, string fixture = "tiny/fp32.pth") => Rewrite(fixture, level, (name, bytes) =>
    {
        if (name.EndsWith("/byteorder", StringComparison.Ordinal))
        {
            return "big"u8.ToArray();
        }
        if (name.Contains("/data/", StringComparison.Ordinal))
        {
            for (int at = 0; at < bytes.Length; at += 4)
            {
                bytes.AsSpan(at, 4).Reverse();
            }
        }
        return bytes;
    });

    [Theory]
    [InlineData(CompressionLevel.Optimal)]
    [InlineData(CompressionLevel.Fastest)]
    public void A_deflated_archive_has_the_weights_of_the_stored_one(CompressionLevel level)
    {
        string path = Rewrite("tiny/fp32.pth", level);

        Same("tiny/fp32.pth", path, "its records are compressed");
        Assert.True(WeightTester.Test(path, deep: true).IsSound);
    }

    [Theory]
    [InlineData("layout/views_and_shared.pth")]
    [InlineData("dtypes/mix.pth")]
    [InlineData("containers/mixed.pth")]
    public void Views_types_and_metadata_are_those_of_the_stored_archive(string fixture)
    {
        string path = Rewrite(fixture, CompressionLevel.Optimal);

        Assert.Equal(WeightsDigest.Of(Checkpoint.Open(Fixtures.PathOf(fixture))), WeightsDigest.Of(Checkpoint.Open(path)));
        Assert.Equal(Checkpoint.Open(Fixtures.PathOf(fixture)).Metadata, Checkpoint.Open(path).Metadata);
        Assert.True(WeightTester.Test(path, deep: true).IsSound);
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void A_big_endian_archive_has_the_weights_of_the_little_endian_one(CompressionLevel level) =>
        Same("tiny/fp32.pth", BigEndian(level), level == CompressionLevel.Optimal ? "compressed" : "big-endian");

    [Fact]
    public void Numbers_are_swapped_around_any_range()
    {
        var checkpoint = Checkpoint.Open(BigEndian(CompressionLevel.NoCompression));
        var plain = Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"));
        TensorEntry tensor = checkpoint.Tensors.First(tensor => tensor.Bytes >= 64);
        byte[] expected = Elements(plain, tensor.Name);
        Extent storage = checkpoint.Storages[tensor.Storage];
        using CheckpointFileReader file = CheckpointFileReader.Reopen(checkpoint.Files[0]);
        for (int from = 0; from < 9; from++)
        {
            for (int length = 0; length < 12; length++)
            {
                byte[] read = new byte[length];
                file.ReadExactly(storage.Offset + tensor.ByteOffset + from, read);
                Assert.Equal(expected[from..(from + length)], read);
            }
        }
    }

    [Fact]
    public void The_offset_of_a_swapped_tensor_is_that_of_its_bytes_in_the_file()
    {
        string path = BigEndian(CompressionLevel.NoCompression, "layout/views_and_shared.pth");
        var checkpoint = Checkpoint.Open(path);
        byte[] content = File.ReadAllBytes(path);

        foreach (WeightInfo tensor in WeightInfo.Of(checkpoint).Where(tensor => tensor.ElementCount > 0))
        {
            byte[] first = content[(int)tensor.Offset..((int)tensor.Offset + 4)];
            Assert.Equal(Elements(checkpoint, tensor.Name)[..4], first.Reverse());
        }
        Assert.Contains(checkpoint.Tensors, tensor => tensor.ByteOffset > 0);
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Fastest)]
    public void A_tensor_that_differs_from_a_manifest_is_found_at_its_place_in_the_file(CompressionLevel level)
    {
        string path = BigEndian(level);
        var checkpoint = Checkpoint.Open(path);
        WeightInfo other = WeightInfo.Of(checkpoint).First();
        string[] sums = WeightsDigest.OfTensors(checkpoint);
        sums[0] = new string('0', 64);
        var expected = WeightManifest.Of(checkpoint, sums);

        WeightVerdict verdict = WeightTester.Test(path, manifest: expected);

        Assert.Equal(("ML6111", other.Offset), (verdict.RuleId, verdict.Offset));
        Assert.InRange(verdict.Offset!.Value, 0, new FileInfo(path).Length);
    }

    // Several threads read blocks in any order.
    [Fact]
    public void Deflated_bytes_are_read_in_any_order()
    {
        byte[] data = new byte[1 << 20];
        new Random(1).NextBytes(data);
        data.AsSpan(0, data.Length / 2).Clear();
        byte[] header = Safetensors($"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{data.Length}],\"data_offsets\":[0,{data.Length}]}}}}");
        var original = Checkpoint.Open(_folder.Write("o.safetensors", [.. header, .. data]));
        string stored = _folder["o.pth"];
        CheckpointWriter.Write(original, stored, CheckpointFormat.TorchZip);
        string path = _folder["p.pth"];
        using (ZipArchive source = ZipFile.OpenRead(stored))
        using (ZipArchive target = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            foreach (ZipArchiveEntry entry in source.Entries)
            {
                using Stream read = entry.Open();
                using Stream write = target.CreateEntry(entry.FullName, CompressionLevel.Optimal).Open();
                read.CopyTo(write);
            }
        }
        var checkpoint = Checkpoint.Open(path);
        Extent storage = checkpoint.Storages[0];
        using CheckpointFileReader file = CheckpointFileReader.Reopen(checkpoint.Files[0]);
        var order = new Random(2);
        Parallel.For(0, 200, _ =>
        {
            int from, length;
            lock (order)
            {
                from = order.Next(data.Length - 5000);
                length = order.Next(5000);
            }
            byte[] read = new byte[length];
            file.ReadBulk(storage.Offset + from, read);
            Assert.Equal(data[from..(from + length)], read);
        });
    }

    [Fact]
    public void A_byte_that_changed_in_a_deflated_storage_is_found_before_it_is_used()
    {
        string path = Rewrite("tiny/fp32.pth", CompressionLevel.Fastest);
        var sound = Checkpoint.Open(path);
        WeightInfo largest = WeightInfo.Of(sound).MaxBy(tensor => tensor.Bytes)!;
        byte[] bytes = File.ReadAllBytes(path);
        bytes[largest.Offset + (largest.Bytes / 2)] ^= 0x10;
        string damaged = _folder.Write("damaged.pth", bytes);

        foreach (Strategy strategy in Copying)
        {
            var refusal = Assert.Throws<MemLoadException>(() =>
                WeightLoader
                    .Load(
                        new LoadRequest
                        {
                            Path = damaged,
                            Device = "cpu",
                            Strategy = strategy,
                        })
                    .Dispose());
            Assert.Contains(refusal.Rule.Id, new[] { "ML2016", "ML2017" });
        }
        Assert.Contains(WeightTester.Test(damaged, deep: true).RuleId, new[] { "ML2016", "ML2017" });
    }

    private static void Same(string fixture, string path, string barrier)
    {
        string expected = WeightsDigest.Of(Checkpoint.Open(Fixtures.PathOf(fixture)));
        Assert.Equal(expected, WeightsDigest.Of(Checkpoint.Open(path)));
        foreach (string device in new[] { "cpu", "sim" })
        {
            foreach (Strategy strategy in Copying)
            {
                using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = path, Device = device, Strategy = strategy });
                Assert.Equal(expected, WeightsDigest.Of(model.Weights));
            }
            var refusal = Assert.Throws<MemLoadException>(() =>
                WeightLoader
                    .Load(
                        new LoadRequest
                        {
                            Path = path,
                            Device = device,
                            Strategy = Strategy.Mmap,
                            Force = true,
                        })
                    .Dispose());
            Assert.Equal("ML1017", refusal.Rule.Id);
            Assert.Contains(barrier, refusal.Finding, StringComparison.Ordinal);
            Assert.Contains("Stream", refusal.Remedy, StringComparison.Ordinal);
        }
        using var folder = new TemporaryFolder();
        string copy = folder["copy.safetensors"];
        CheckpointWriter.Write(Checkpoint.Open(path), copy, CheckpointFormat.Safetensors);
        Assert.Equal(expected, WeightsDigest.Of(Checkpoint.Open(copy)));
    }
}
