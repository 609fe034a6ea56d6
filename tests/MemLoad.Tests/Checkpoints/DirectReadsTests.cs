using System.Globalization;
using System.Runtime.InteropServices;
using MemLoad.Tests.Measurement;
using Microsoft.Win32.SafeHandles;

namespace MemLoad.Tests.Checkpoints;

public sealed partial class DirectReadsTests
{
    private const int FileBytes = (9 << 20) + 777;

    [Theory]
    [InlineData("cold")]
    [InlineData("warm")]
    [InlineData("half")]
    public void Any_range_at_any_address_has_the_bytes_of_the_file(string cache)
    {
        using var file = new TemporaryFile(0);
        byte[] content = Content(file.Path);
        var random = new Random(11);
        byte[] memory = new byte[(6 << 20) + 8192];
        for (int i = 0; i < 40; i++)
        {
            if (cache != "warm" && OperatingSystem.IsLinux() && i % 4 == 0)
            {
                _ = PageCache.Evict([file.Path]);
            }
            using CheckpointFileReader reader = CheckpointFileReader.Open(file.Path);
            if (cache == "half")
            {
                reader.ReadExactly(0, new byte[random.Next(FileBytes)]);
            }
            // Lengths near the minimum of direct reads, and near whole blocks.
            int length = random.Next(4) switch
            {
                0 => random.Next(60_000, 80_000),
                1 => random.Next(1, 6) << 20,
                _ => random.Next(6 << 20),
            };
            long offset = random.Next(3) == 0 ? FileBytes - length : random.Next(FileBytes - length + 1);
            int at = random.Next(8192);
            Array.Fill(memory, (byte)0xA5);

            reader.ReadBulk(offset, memory.AsSpan(at, length));

            Assert.True(memory.AsSpan(at, length).SequenceEqual(content.AsSpan((int)offset, length)), $"{length} bytes at {offset}, {i}");
            Assert.True(memory.AsSpan(0, at).IndexOfAnyExcept((byte)0xA5) < 0, "memory in front of the destination was written to");
            Assert.True(memory.AsSpan(at + length).IndexOfAnyExcept((byte)0xA5) < 0, "memory behind the destination was written to");
        }
    }

    [SkippableFact]
    public void A_cold_file_stays_out_of_the_page_cache_and_a_warm_one_in_it()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports what is cached");
        using var file = new TemporaryFile(0);
        byte[] content = Content(file.Path);
        Skip.If(file.IsInMemory || PageCache.Evict([file.Path]) is not 0, "this file system does not evict pages");
        using CheckpointFileReader reader = CheckpointFileReader.Open(file.Path);
        byte[] memory = new byte[FileBytes - 100];

        using (var direct = new DirectReads(reader.Handle))
        {
            Skip.If(direct.Read(100, memory) == 0, "this file system does not support direct reads");
        }
        reader.ReadBulk(100, memory);
        Assert.True(memory.AsSpan().SequenceEqual(content.AsSpan(100)));
        Assert.InRange(PageCache.CachedBytes([file.Path])!.Value, 0, 64 << 10); // a few pages, whose state in the cache was tested

        PageCache.Warm([file.Path]);
        reader.ReadBulk(100, memory);
        Assert.True(memory.AsSpan().SequenceEqual(content.AsSpan(100)));
        Assert.Equal(FileBytes, PageCache.CachedBytes([file.Path]));
    }

    [SkippableFact]
    public void A_cold_file_that_is_loaded_many_times_stays_out_of_the_page_cache()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports what is cached");
        using var file = new TemporaryFile(0);
        _ = Content(file.Path);
        Skip.If(file.IsInMemory || PageCache.Evict([file.Path]) is not 0, "this file system does not evict pages");
        byte[] memory = new byte[256 << 10];
        for (int load = 0; load < 60; load++)
        {
            using CheckpointFileReader reader = CheckpointFileReader.Open(file.Path);
            for (long offset = 0; offset + memory.Length <= FileBytes; offset += memory.Length)
            {
                reader.ReadBulk(offset, memory);
            }
            Skip.If(load == 0 && PageCache.CachedBytes([file.Path]) > FileBytes / 2, "this file system does not support direct reads");
        }
        Assert.InRange(PageCache.CachedBytes([file.Path])!.Value, 0, FileBytes / 8);
    }

    [SkippableFact]
    public void Loads_of_one_cold_file_at_a_time_share_the_page_cache()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports what is cached");
        using var file = new TemporaryFile(200 << 20);
        Skip.If(file.IsInMemory || PageCache.Evict([file.Path]) is not 0, "this file system does not evict pages");
        byte[] memory = new byte[4 << 20];
        using CheckpointFileReader one = CheckpointFileReader.Open(file.Path);
        using CheckpointFileReader other = CheckpointFileReader.Open(file.Path);
        using var first = new DirectReads(one.Handle);
        Skip.If(first.Read(0, memory) == 0, "this file system does not support direct reads");

        using (var second = new DirectReads(other.Handle))
        {
            PageCache.Evict([file.Path]); // a page that a test of the cache has read would make the file look cached
            Assert.Equal(0, second.Read(0, memory));
            // The first reader detects the second at its next test.
            Assert.Contains(0, Enumerable.Range(1, 40).Select(i => first.Read(i * (long)memory.Length, memory)));
        }

        // The first reader is alone again.
        Assert.Equal(memory.Length, first.Read(180 << 20, memory));
    }

    [SkippableFact]
    public void A_load_releases_its_lock_although_a_child_process_still_has_its_descriptors()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has these locks");
        using var file = new TemporaryFile(0);
        _ = Content(file.Path);
        Skip.If(file.IsInMemory || PageCache.Evict([file.Path]) is not 0, "this file system does not evict pages");
        byte[] memory = new byte[1 << 20];
        using CheckpointFileReader one = CheckpointFileReader.Open(file.Path);
        using CheckpointFileReader other = CheckpointFileReader.Open(file.Path);
        List<SafeFileHandle> copies = [];
        try
        {
            using (var first = new DirectReads(one.Handle))
            {
                Skip.If(first.Read(0, memory) == 0, "this file system does not support direct reads");
                // A fork copies all descriptors, and the child closes them when it starts its program.
                copies.AddRange(Directory.GetFiles("/proc/self/fd").Where(link => new FileInfo(link).LinkTarget == file.Path)
                    .Select(link => Duplicate(int.Parse(Path.GetFileName(link), CultureInfo.InvariantCulture))));
                Assert.True(copies.Count >= 3);
            }
            using var second = new DirectReads(other.Handle);
            Assert.Equal(memory.Length, second.Read(4 << 20, memory));
        }
        finally
        {
            copies.ForEach(copy => copy.Dispose());
        }
    }

    [Fact]
    public void A_range_past_the_end_is_an_error_that_states_it()
    {
        using var file = new TemporaryFile(0);
        _ = Content(file.Path);
        if (OperatingSystem.IsLinux())
        {
            _ = PageCache.Evict([file.Path]);
        }
        using CheckpointFileReader reader = CheckpointFileReader.Open(file.Path);
        byte[] memory = new byte[1 << 20];
        foreach (long offset in new long[] { FileBytes - memory.Length + 1, FileBytes - 1, FileBytes, FileBytes + 5000 })
        {
            Assert.Equal("ML1005", Assert.Throws<MemLoadException>(() => reader.ReadBulk(offset, memory)).Rule.Id);
        }
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial SafeFileHandle Duplicate(int descriptor);

    private static byte[] Content(string path)
    {
        byte[] content = new byte[FileBytes];
        new Random(3).NextBytes(content);
        File.WriteAllBytes(path, content);
        return content;
    }
}
