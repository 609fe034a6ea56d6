namespace MemLoad.Tests.Measurement;

public sealed class PageCacheTests
{
    [SkippableTheory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData((20 << 20) + 12345)]
    public void Evicted_files_are_gone_from_the_cache_and_warmed_files_are_there_whole(long length)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports what is cached");
        using var file = new TemporaryFile(length);
        Skip.If(file.IsInMemory, "a file system in memory does not evict pages");

        Assert.Equal(length, PageCache.CachedBytes([file.Path]));
        Assert.Equal(0, PageCache.Evict([file.Path]));
        Assert.Equal(0, PageCache.CachedBytes([file.Path]));
        PageCache.Warm([file.Path], CancellationToken.None);
        Assert.Equal(length, PageCache.CachedBytes([file.Path]));
    }

    [SkippableFact]
    public void Both_ways_of_asking_the_kernel_agree()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports what is cached");
        using var file = new TemporaryFile(100 << 20);
        Skip.If(file.IsInMemory || PageCache.Evict([file.Path]) is not 0, "this file system does not evict pages");
        using (FileStream stream = File.OpenRead(file.Path))
        {
            stream.Position = 70 << 20;
            stream.ReadExactly(new byte[5 << 20]);
        }
        using CheckpointFileReader reader = CheckpointFileReader.Open(file.Path);
        long? asked = LinuxPageCache.CachedBytes(reader);
        Assert.InRange(asked!.Value, 5 << 20, 30 << 20); // Readahead may have brought more.
        Assert.Equal(asked, LinuxPageCache.Resident(reader));
    }

    [SkippableFact]
    public void Bytes_of_several_files_add_up_and_a_file_named_twice_counts_once()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports what is cached");
        using var first = new TemporaryFile(10_000);
        using var second = new TemporaryFile(20_000);
        using var empty = new TemporaryFile(0);
        string again = Path.Combine(Path.GetDirectoryName(first.Path)!, ".", Path.GetFileName(first.Path));
        Assert.Equal(30_000, PageCache.CachedBytes([first.Path, second.Path, again, empty.Path]));
        Assert.Equal(0, PageCache.CachedBytes(Array.Empty<string>()));
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        string missing = Path.Combine(Path.GetTempPath(), $"memload-{Guid.NewGuid():N}");
        Action[] calls = [() => PageCache.CachedBytes([missing]), () => PageCache.Warm([missing]), () => PageCache.Evict([missing])];
        foreach (Action call in calls)
        {
            MemLoadException e = Assert.Throws<MemLoadException>(call);
            Assert.Equal((Rules.PathNotFound, missing), (e.Rule, e.Path));
        }
    }

    [Fact]
    public void Warming_can_be_canceled()
    {
        using var file = new TemporaryFile(1 << 20);
        using var canceled = new CancellationTokenSource();
        canceled.Cancel();
        Assert.Throws<OperationCanceledException>(() => PageCache.Warm([file.Path], canceled.Token));
    }

    [Fact]
    public void Eviction_works_on_Linux_and_is_refused_elsewhere()
    {
        using var file = new TemporaryFile(1);
        if (OperatingSystem.IsLinux())
        {
            PageCache.Evict([file.Path]);
        }
        else
        {
            Assert.Same(Rules.PageCacheFixed, Assert.Throws<MemLoadException>(() => PageCache.Evict([file.Path])).Rule);
        }
    }
}
