using System.Runtime.InteropServices;

namespace MemLoad.Tests.Devices;

/// <summary>The simulated device: the content of its blocks, and the figures of its memory.</summary>
public sealed class SimulatedDeviceTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Blocks_of_any_size_keep_their_bytes_and_show_them_to_the_host(bool unified)
    {
        using var device = new SimulatedDevice(unified: unified);
        var random = new Random(13);
        long[] sizes = [1, 511, 513, 4097, 70_000, (1 << 20) + 1, (11 << 20) + 3, 5];
        var blocks = new List<(MemoryBuffer Block, byte[] Content)>();
        foreach (long size in sizes)
        {
            byte[] content = new byte[size];
            random.NextBytes(content);
            blocks.Add((device.Allocate(size), content));
            blocks[^1].Block.Write(0, content);
        }
        foreach ((MemoryBuffer block, byte[] content) in blocks)
        {
            byte[] back = new byte[block.Length];
            block.Read(0, back);
            Assert.True(content.AsSpan().SequenceEqual(back));

            using (HostView view = block.MapForHost())
            {
                Marshal.Copy(view.Address, back, 0, back.Length);
                Assert.True(content.AsSpan().SequenceEqual(back));
                Marshal.WriteByte(view.Address, back.Length - 1, 77);
            }
            block.Read(block.Length - 1, back.AsSpan(0, 1));
            Assert.Equal(77, back[0]);
        }
        blocks.ForEach(each => each.Block.Dispose());
        Assert.Equal(0, device.Memory.Allocated);
    }

    [Fact]
    public void A_device_reports_its_free_capacity_and_allocates_no_more()
    {
        using var device = new SimulatedDevice(capacityBytes: 4 * MiB);
        Assert.Equal(4 * MiB, device.CapacityBytes);
        Assert.Equal(4 * MiB, device.FreeBytes);

        MemoryBuffer small = device.Allocate(600);
        Assert.Equal(new DeviceMemory(1024, 2 * MiB, 1024, 2 * MiB), device.Memory);
        Assert.Equal(2 * MiB, device.FreeBytes);
        Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => device.Allocate(3 * MiB)).Rule.Id);

        small.Dispose();
        small.Dispose(); // a second call has no effect
        Assert.Equal(new DeviceMemory(0, 2 * MiB, 1024, 2 * MiB), device.Memory); // the segment stays, as in PyTorch
    }

    [Fact]
    public void A_device_without_a_capacity_is_limited_by_the_computer_alone()
    {
        using var device = new SimulatedDevice();

        Assert.Null(device.CapacityBytes);
        Assert.Null(device.FreeBytes);
        Assert.Equal(("sim", false, false, true), (device.Name, device.IsUnified, device.IsHost, device.ReservesSharedMemory));
        using var unified = new SimulatedDevice(unified: true);
        Assert.Equal(("sim:unified", true), (unified.Name, unified.IsUnified));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Blocks_outlive_their_device_and_a_disposed_device_allocates_none(int closings)
    {
        var device = new SimulatedDevice();
        MemoryBuffer block = device.Allocate(3);
        block.Write(0, [1, 2, 3]);

        for (int i = 0; i < closings; i++)
        {
            device.Dispose();
        }

        byte[] back = new byte[3];
        block.Read(0, back);
        Assert.Equal([1, 2, 3], back);
        Assert.Throws<ObjectDisposedException>(() => device.Allocate(1));
        block.Dispose();
        if (OperatingSystem.IsLinux())
        {
            Assert.Throws<ObjectDisposedException>(() => block.Read(0, back)); // its memory was freed with it
        }
    }

    [Fact]
    public void An_empty_block_has_no_address()
    {
        using var device = new SimulatedDevice();
        using MemoryBuffer block = device.Allocate(0);

        Assert.Equal(default, block.MapForHost());
        Assert.Equal(default, device.Memory);
    }

    [Fact]
    public void Memory_that_was_never_written_can_be_read_and_mapped()
    {
        using var device = new SimulatedDevice();
        using MemoryBuffer first = device.Allocate(1000);
        using MemoryBuffer last = device.Allocate(3 * MiB);
        byte[] back = [7];

        last.Read((3 * MiB) - 1, back);
        Assert.Equal(0, back[0]);
        using HostView view = last.MapForHost();
        Assert.Equal(0, Marshal.ReadByte(view.Address, (3 << 20) - 1));
    }

    [Fact]
    public void A_full_device_releases_memory_that_no_block_uses()
    {
        using var device = new SimulatedDevice(capacityBytes: 40 * MiB);
        for (int i = 0; i < 5; i++)
        {
            using MemoryBuffer block = device.Allocate((30 + (2 * i)) * MiB);
            block.Write(0, [1, 2, 3]);
            Assert.Equal((30 + (2 * i)) * MiB, device.Memory.Reserved);
        }
        Assert.Equal(38 * MiB, device.Memory.PeakReserved);
    }

    [SkippableFact]
    public unsafe void A_source_that_cannot_be_read_is_an_error_and_not_a_block_of_other_bytes()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only on Linux a system call reads the source");
        using var device = new SimulatedDevice();
        using MemoryBuffer block = device.Allocate(100);

        // No page is mapped there, which simulates a page that the disk does not deliver.
        MemLoadException refusal = Assert.Throws<MemLoadException>(() => block.Write(0, new ReadOnlySpan<byte>((void*)8192, 100)));

        Assert.Same(Rules.ReadFailed, refusal.Rule);
    }

    [Fact]
    public void A_copy_in_the_device_takes_little_memory_of_the_host()
    {
        using var device = new SimulatedDevice();
        using MemoryBuffer source = device.Allocate(64 * MiB);
        using MemoryBuffer target = device.Allocate(64 * MiB);
        using var workers = new Workers();
        long before = GC.GetTotalAllocatedBytes(precise: true);

        device.Copy(source, target, workers, CancellationToken.None);

        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 16 * MiB); // of all threads, including those of other tests
    }

    [Fact]
    public void Sections_keep_their_bytes_and_a_released_section_is_removed()
    {
        using var pool = new SectionPool(); // used on Windows and macOS, but every system has sections
        pool.Add(0, 4096);
        pool.Add(8192, 4096);
        pool.Write(10, [1, 2, 3]);
        pool.Write(8192 + 4093, [4, 5, 6]);
        byte[] back = new byte[3];

        pool.Read(10, back);
        Assert.Equal([1, 2, 3], back);
        pool.Read(8192 + 4093, back);
        Assert.Equal([4, 5, 6], back);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Read(4094, back));
        Assert.Equal(4, Marshal.ReadByte(pool.Map(8192 + 4093, 3).Address));
        Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => pool.Add(16384, 1L << 60)).Rule.Id);

        pool.Release(8192, 4096);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Read(8192, back));
        pool.Add(8192, 4096);
        pool.Read(8192 + 4093, back);
        Assert.Equal([0, 0, 0], back);
    }
}
