using System.IO.MemoryMappedFiles;
using MemLoad.Tests.Measurement;

namespace MemLoad.Tests.Windows;

/// <summary>The figures of a probe for known amounts of memory that is allocated, mapped, touched and released, on every system.</summary>
[Collection(QuietProcess.Name)]
public sealed unsafe class KnownAnswerTests
{
    private const long MiB = 1 << 20;
    private const long Size = 64 * MiB;
    private const long Noise = 4 * MiB;

    public KnownAnswerTests() => QuietProcess.Settle();

    [Fact]
    public void Memory_allocated_and_written_is_host_memory()
    {
        using var memory = new HostMemory();
        using MemoryProbe probe = MemoryProbe.Start();
        using MemoryBuffer block = memory.Allocate(Size);
        Touch(block.Address, Size);
        ProbeResult result = probe.Stop();

        AssertNear(Size, result.PeakHostBytes);
        AssertNear(Size, result.FinalHostBytes);
    }

    [SkippableFact]
    public void Memory_allocated_and_not_written_is_charged_on_Windows_alone()
    {
        Skip.If(CompatibilityLayer.IsHere, "the layer counts pages that were touched; PagefileUsage is documented as the commit charge");
        using var memory = new HostMemory();
        using MemoryProbe probe = MemoryProbe.Start();
        using MemoryBuffer block = memory.Allocate(Size);
        ProbeResult result = probe.Stop();

        AssertNear(OperatingSystem.IsWindows() ? Size : 0, result.PeakHostBytes);
    }

    [Fact]
    public void Blocks_of_one_mapping_are_given_back_one_by_one()
    {
        using var memory = new HostMemory();
        using MemoryProbe probe = MemoryProbe.Start();
        MemoryBuffer[] blocks = memory.AllocateTogether(HostLayout.Packed([Size, Size]));
        foreach (MemoryBuffer block in blocks)
        {
            Touch(block.Address, Size);
        }
        blocks[0].Dispose();
        ProbeResult result = probe.Stop();
        blocks[1].Dispose();

        AssertNear(2 * Size, result.PeakHostBytes);
        AssertNear(Size, result.FinalHostBytes);
    }

    [SkippableFact]
    public void A_file_mapped_and_read_is_not_host_memory()
    {
        Skip.IfNot(OperatingSystem.IsLinux() || OperatingSystem.IsWindows(), "macOS counts mapped files in another way");
        using var file = new TemporaryFile(Size);
        Skip.If(OperatingSystem.IsLinux() && file.IsInMemory, "temporary files are in memory here, and count as shared");
        using MemoryProbe probe = MemoryProbe.Start();
        using var mapped = MemoryMappedFile.CreateFromFile(file.Path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        using MemoryMappedViewAccessor view = mapped.CreateViewAccessor(0, Size, MemoryMappedFileAccess.Read);
        byte* address = (byte*)view.SafeMemoryMappedViewHandle.DangerousGetHandle();
        for (long at = 0; at < Size; at += 4096)
        {
            _ = Volatile.Read(ref address[at]);
        }
        probe.Mark("read", sampleNow: true);
        ProbeResult result = probe.Stop();

        AssertNear(0, result.PeakHostBytes);
        if (result.PeakHostFileBytes is long pages)
        {
            AssertNear(Size, pages);
        }
    }

    [Fact]
    public void Memory_of_the_simulated_device_is_not_host_memory()
    {
        using IDevice device = DeviceRegistry.Open("sim");
        using MemoryProbe probe = MemoryProbe.Start();
        using MemoryBuffer block = device.Allocate(Size);
        byte[] piece = new byte[MiB];
        for (long at = 0; at < Size; at += piece.Length)
        {
            block.Write(at, piece);
        }
        ProbeResult result = probe.Stop();

        AssertNear(0, result.PeakHostBytes);
    }

    [SkippableFact]
    public void Threads_with_small_stacks_cost_little()
    {
        Skip.If(
            CompatibilityLayer.IsHere, "the layer counts a megabyte for every thread; a stack is documented to be committed as it is used");
        const int Threads = 16;
        using var alive = new CountdownEvent(Threads);
        using var end = new ManualResetEventSlim();
        using MemoryProbe probe = MemoryProbe.Start();
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(Live, 256 << 10))];
        Array.ForEach(threads, thread => thread.Start());
        alive.Wait();
        ProbeResult result = probe.Stop();
        end.Set();
        Array.ForEach(threads, thread => thread.Join());

        AssertNear(0, result.PeakHostBytes);

        void Live()
        {
            alive.Signal();
            end.Wait();
        }
    }

    private static void Touch(nint address, long bytes)
    {
        for (long at = 0; at < bytes; at += 4096)
        {
            ((byte*)address)[at] = 1;
        }
    }

    private static void AssertNear(long expected, long? actual) => Assert.InRange(actual!.Value, expected - Noise, expected + Noise);
}
