using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace MemLoad.Tests.Measurement;

[Collection(QuietProcess.Name)]
public sealed class MemoryProbeTests
{
    private const long MiB = 1 << 20;
    private const long Size = 64 * MiB;

    // The error that the kernel's batches of counters and the runtime's threads can cause.
    private const long Noise = 4 * MiB;

    public MemoryProbeTests() => QuietProcess.Settle();

    [SkippableFact]
    public void Memory_that_lived_between_two_samples_is_in_the_peak_to_the_megabyte()
    {
        NeedsLinux();
        // The long interval represents a short lifetime of the block. Only the kernel's high-water mark, and no sample, includes it.
        using MemoryProbe probe = StartWithInterval(TimeSpan.FromSeconds(30));
        RawMemory.OfNothing(Size).Write().Dispose();
        ProbeResult result = probe.Stop();

        Skip.If(!MarkCanBeReset(), "this kernel does not reset the high-water mark");
        Assert.All(result.Samples, s => Assert.True(s.HostBytes < Size / 2));
        AssertNear(Size, result.PeakHostBytes);
        AssertNear(0, result.FinalHostBytes);
        AssertNear(0, result.PeakHostFileBytes);
    }

    [SkippableFact]
    public void A_probe_whose_thread_cannot_start_measures_with_the_marks_of_the_work()
    {
        NeedsLinux();
        using var probe = MemoryProbe.Start(ProcessMemory.Open(), null, startThread: _ => throw new InsufficientMemoryException());
        using RawMemory kept = RawMemory.OfNothing(Size).Write();
        probe.Mark("full", sampleNow: true);
        ProbeResult result = probe.Stop();

        AssertNear(Size, result.PeakHostBytes);
        AssertNear(Size, result.FinalHostBytes);
        Assert.Equal([null, "full", "full"], result.Samples.Select(sample => sample.Phase));
    }

    [SkippableFact]
    public void Memory_that_is_kept_is_both_peak_and_final()
    {
        NeedsLinux();
        using MemoryProbe probe = MemoryProbe.Start();
        using RawMemory kept = RawMemory.OfNothing(Size).Write();
        RawMemory.OfNothing(Size).Write().Dispose();
        ProbeResult result = probe.Stop();

        AssertNear(2 * Size, result.PeakHostBytes);
        AssertNear(Size, result.FinalHostBytes);
    }

    [SkippableFact]
    public void Memory_held_before_the_start_does_not_count()
    {
        NeedsLinux();
        using RawMemory before = RawMemory.OfNothing(Size).Write();
        RawMemory.OfNothing(2 * Size).Write().Dispose();
        using MemoryProbe probe = MemoryProbe.Start();
        ProbeResult result = probe.Stop();

        AssertNear(0, result.PeakHostBytes);
        AssertNear(0, result.PeakHostFileBytes);
    }

    [SkippableFact]
    public void Memory_released_during_the_measurement_never_makes_a_figure_negative()
    {
        NeedsLinux();
        RawMemory before = RawMemory.OfNothing(Size).Write();
        using MemoryProbe probe = MemoryProbe.Start();
        before.Dispose();
        ProbeResult result = probe.Stop();

        Assert.Equal(0, result.FinalHostBytes);
        Assert.InRange(result.PeakHostBytes!.Value, 0, Noise);
        Assert.All(result.Samples, s => Assert.True(s.HostBytes >= 0 && s.HostFileBytes >= 0));
    }

    [SkippableFact]
    public void Shared_memory_is_host_memory()
    {
        NeedsLinux();
        using MemoryProbe probe = MemoryProbe.Start();
        using RawMemory shared = RawMemory.OfSharedMemory(Size).Write();
        ProbeResult result = probe.Stop();

        AssertNear(Size, result.PeakHostBytes);
        AssertNear(0, result.PeakHostFileBytes);
    }

    [SkippableFact]
    public void A_mapped_file_is_file_backed_memory_and_not_host_memory()
    {
        NeedsLinux();
        using var file = new TemporaryFile(Size);
        Skip.If(file.IsInMemory, "temporary files are in memory here, and count as shared");
        using MemoryProbe probe = MemoryProbe.Start();
        using (RawMemory mapped = RawMemory.OfFile(file.Path).Read())
        {
            probe.Mark("release", sampleNow: true);
        }
        ProbeResult result = probe.Stop();

        AssertNear(Size, result.PeakHostFileBytes);
        AssertNear(0, result.PeakHostBytes);
        AssertNear(0, result.FinalHostBytes);
    }

    [SkippableFact]
    public void Memory_that_is_written_but_not_mapped_is_not_resident_in_the_process()
    {
        NeedsLinux();
        // A simulated device requires this: the bytes are real, but do not count as memory of this process.
        using MemoryProbe probe = MemoryProbe.Start();
        using SafeFileHandle device = RawMemory.UnmappedMemory(Size);
        byte[] block = new byte[MiB];
        Array.Fill(block, (byte)1);
        for (long offset = 0; offset < Size; offset += block.Length)
        {
            RandomAccess.Write(device, block, offset);
        }
        ProbeResult result = probe.Stop();

        AssertNear(0, result.PeakHostBytes);
        AssertNear(0, result.PeakHostFileBytes);
    }

    [SkippableFact]
    public void A_short_lived_block_is_seen_although_more_file_pages_come_in_afterwards()
    {
        NeedsLinux();
        Skip.If(!MarkCanBeReset(), "this kernel does not reset the high-water mark");
        using var file = new TemporaryFile(2 * Size);
        Skip.If(file.IsInMemory, "temporary files are in memory here, and count as shared");
        // The resident set is largest at the end, after the block was freed. A mark of the whole period would not show the block.
        using MemoryProbe probe = StartWithInterval(TimeSpan.FromSeconds(30));
        RawMemory.OfNothing(Size).Write().Dispose();
        probe.Mark("map", sampleNow: true);
        using RawMemory mapped = RawMemory.OfFile(file.Path).Read();
        ProbeResult result = probe.Stop();

        AssertNear(Size, result.PeakHostBytes);
        AssertNear(2 * Size, result.PeakHostFileBytes);
    }

    [SkippableFact]
    public void A_block_on_top_of_a_mapped_file_is_told_apart_from_it()
    {
        NeedsLinux();
        Skip.If(!MarkCanBeReset(), "this kernel does not reset the high-water mark");
        using var file = new TemporaryFile(2 * Size);
        Skip.If(file.IsInMemory, "temporary files are in memory here, and count as shared");
        using MemoryProbe probe = StartWithInterval(TimeSpan.FromSeconds(30));
        using (RawMemory mapped = RawMemory.OfFile(file.Path).Read())
        {
            probe.Mark("copy", sampleNow: true);
            RawMemory.OfNothing(Size).Write().Dispose();
            probe.Mark("release", sampleNow: true);
        }
        ProbeResult result = probe.Stop();

        AssertNear(Size, result.PeakHostBytes);
        AssertNear(2 * Size, result.PeakHostFileBytes);
    }

    [SkippableFact]
    public void Reading_a_file_that_is_not_cached_is_counted_as_read_from_the_disk()
    {
        NeedsLinux();
        using var file = new TemporaryFile(8 * MiB);
        Skip.If(PageCache.Evict([file.Path]) is not 0, "this file system does not evict pages");
        using MemoryProbe probe = MemoryProbe.Start();
        using RawMemory mapped = RawMemory.OfFile(file.Path).Read();
        ProbeResult result = probe.Stop();

        Skip.If(result.ReadBytes is null, "this kernel does not report it");
        Assert.InRange(result.ReadBytes!.Value, 8 * MiB, 12 * MiB);
        Assert.True(result.MajorFaults > 0);
    }

    [Fact]
    public void Samples_run_from_the_start_to_the_stop_and_carry_phase_and_device()
    {
        long device = 10;
        using MemoryProbe probe = MemoryProbe.Start(() => Volatile.Read(ref device));
        probe.Mark("first", sampleNow: true);
        Volatile.Write(ref device, 20);
        probe.Mark("second", sampleNow: true);
        Thread.Sleep(100);
        ProbeResult result = probe.Stop();

        IReadOnlyList<MemorySample> samples = result.Samples;
        Assert.Equal((0, null, 10), (samples[0].ElapsedMicroseconds, samples[0].Phase, samples[0].DeviceBytes));
        Assert.Contains(samples, s => s is { Phase: "first", DeviceBytes: 10 });
        Assert.Contains(samples, s => s is { Phase: "second", DeviceBytes: 20 });
        // There are 20 samples in 100 ms, one every 5 ms. On a busy machine some samples can be late, but not all.
        Assert.InRange(samples.Count, 5, 100);
        Assert.Equal(result.ElapsedMicroseconds, samples[^1].ElapsedMicroseconds);
        Assert.Equal(samples.Select(s => s.ElapsedMicroseconds).Order(), samples.Select(s => s.ElapsedMicroseconds));
        if (OperatingSystem.IsLinux())
        {
            Assert.All(samples, s => Assert.NotNull(s.HostBytes));
            Assert.Equal(result.FinalHostBytes, samples[^1].HostBytes);
            Assert.True(samples.Max(s => s.HostBytes) <= result.PeakHostBytes);
        }
    }

    [Fact]
    public void A_device_that_fails_does_not_change_the_host_figures()
    {
        bool broken = false;
        using MemoryProbe probe = MemoryProbe.Start(() => Volatile.Read(ref broken) ? throw new InvalidOperationException() : 1);
        Volatile.Write(ref broken, true);
        probe.Mark("broken", sampleNow: true);
        Volatile.Write(ref broken, false);
        ProbeResult result = probe.Stop();

        Assert.Equal(1, result.Samples[0].DeviceBytes);
        // The figures of a device that has failed once are not used again.
        Assert.Null(result.Samples[^1].DeviceBytes);
        Assert.Equal(result.Samples[0].HostBytes is null, result.Samples[^1].HostBytes is null);
    }

    [Fact]
    public void Sampling_allocates_nothing()
    {
        using MemoryProbe probe = StartWithInterval(TimeSpan.FromMilliseconds(1));
        // Threads of the test runner can allocate at the same time, so the lowest result of a few attempts counts.
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 4; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < 1000; i++)
            {
                probe.Mark("phase", sampleNow: true);
            }
            Thread.Sleep(20);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.True(probe.Stop().Samples.Count > 4000);
        // One object of the minimum size per sample would be 24 KB.
        Assert.InRange(least, 0, 8 * 1024);
    }

    [Fact]
    public void Marks_can_be_as_many_as_there_are_tensors()
    {
        using MemoryProbe probe = MemoryProbe.Start();
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < 100_000; i++)
        {
            probe.Mark("tensor");
        }
        TimeSpan elapsed = clock.Elapsed;
        ProbeResult result = probe.Stop();

        // There is at most one sample per millisecond, so that a mark only costs a query of the clock.
        Assert.InRange(result.Samples.Count, 2, (int)(result.ElapsedMicroseconds / 1000 * 2) + 10);
        Assert.True(elapsed < TimeSpan.FromSeconds(10), $"100,000 marks took {elapsed}");
    }

    [Fact]
    public void Stopping_again_or_only_disposing_is_safe()
    {
        MemoryProbe probe = MemoryProbe.Start();
        ProbeResult first = probe.Stop();
        probe.Mark("too late", sampleNow: true);
        Assert.Same(first, probe.Stop());
        probe.Dispose();
        probe.Dispose();
        Assert.DoesNotContain(first.Samples, s => s.Phase == "too late");

        MemoryProbe abandoned = MemoryProbe.Start();
        abandoned.Dispose();
        Assert.NotNull(abandoned.Stop());
    }

    private static MemoryProbe StartWithInterval(TimeSpan interval) => MemoryProbe.Start(ProcessMemory.Open(), null, 16 * 1024, interval);

    private static bool MarkCanBeReset()
    {
        using IProcessMemory memory = ProcessMemory.Open();
        return memory.ResetMark();
    }

    private static void NeedsLinux() => Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has these figures");

    private static void AssertNear(long expected, long? measured)
    {
        Assert.NotNull(measured);
        Assert.InRange(measured.Value, Math.Max(0, expected - Noise), expected + Noise);
    }
}
