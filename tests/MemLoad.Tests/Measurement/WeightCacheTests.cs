using MemLoad.Tests.Checkpoints;
using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Measurement;

public sealed class WeightCacheTests
{
    [SkippableFact]
    public void The_files_of_the_selected_tensors_are_read_into_the_cache_and_no_other()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports what is cached");
        using var folder = new TemporaryFolder();
        string[] files = [.. Enumerable.Range(0, 3).Select(i => folder.Write($"t{i}.safetensors", Tensors($"t{i}", 20 << 20)))];
        Skip.If(PageCache.Evict(files) != 0, "a file system in memory does not evict pages");
        folder.Write(
            "model.safetensors.index.json",
            """{"weight_map":{"t0":"t0.safetensors","t1":"t1.safetensors","t2":"t2.safetensors"}}"""u8.ToArray());
        Checkpoint part = Checkpoint.OpenSelected(
            folder["model.safetensors.index.json"], null, ["t0", "t2"], [], allowOpaque: false, CancellationToken.None);
        _ = PageCache.Evict(files);
        var reported = new Progress();

        var cache = new WeightCache(part);
        WeightCacheInfo before = cache.State;
        WeightCacheInfo after = cache.Warm(force: false, reported, CancellationToken.None);

        long bytes = new FileInfo(files[0]).Length * 2;
        Assert.Equal(
            (2, bytes, 0L, (long?)null), (before.FileCount, before.FileBytes, before.CachedBytes!.Value, before.ElapsedMicroseconds));
        Assert.Equal((bytes, bytes), (after.FileBytes, after.CachedBytes));
        Assert.True(after.ElapsedMicroseconds > 0 && after.BytesPerSecond > 0);
        Assert.Equal(bytes, reported.Most);
        Assert.Equal(0, PageCache.CachedBytes([files[1]]));
    }

    [SkippableFact]
    public void Files_that_are_larger_than_the_memory_are_refused_before_a_byte_is_read()
    {
        Skip.If(Headroom.Now().Binding is null, "the platform reports no limit on memory");
        using var folder = new TemporaryFolder();
        const long Huge = 8L << 40;
        string path = folder.Write(
            "huge.safetensors",
            CheckpointKit.Safetensors($"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{Huge}],\"data_offsets\":[0,{Huge}]}}}}"));
        using (FileStream file = File.OpenWrite(path))
        {
            try
            {
                file.SetLength(file.Length + Huge);
            }
            catch (IOException)
            {
                Skip.If(true, "the file system has no files of this size");
            }
        }

        CliRun refused = CliRun.Of("warm", path);
        CliRun dry = CliRun.Of("warm", path, "--dry-run");

        Assert.Equal((1, 0), (refused.ExitCode, dry.ExitCode));
        Assert.Contains("ML8019", refused.Error, StringComparison.Ordinal);
        Assert.Contains("8.00 TiB", dry.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_prints_what_it_did()
    {
        string path = Fixtures.PathOf("tiny/fp32.safetensors");

        CliRun text = CliRun.Of("warm", path);
        CliRun json = CliRun.Of("warm", path, "--format", "json");

        Assert.Equal((0, 0), (text.ExitCode, json.ExitCode));
        Assert.StartsWith($"{path}: 1 file, 82.5 KiB", text.Output, StringComparison.Ordinal);
        Assert.Contains($"\"FileBytes\": {new FileInfo(path).Length},", json.Output, StringComparison.Ordinal);
    }

    private static byte[] Tensors(string name, int bytes) =>
        CheckpointKit.Safetensors($"{{\"{name}\":{{\"dtype\":\"U8\",\"shape\":[{bytes}],\"data_offsets\":[0,{bytes}]}}}}", bytes);

    private sealed class Progress : IProgress<long>
    {
        private long _most;

        public long Most => _most;

        public void Report(long value) => InterlockedMax(ref _most, value);

        private static void InterlockedMax(ref long target, long value)
        {
            long seen = Volatile.Read(ref target);
            while (value > seen && Interlocked.CompareExchange(ref target, value, seen) is long now && now != seen)
            {
                seen = now;
            }
        }
    }
}
