using System.Runtime.InteropServices;

namespace MemLoad.Tests.Devices;

/// <summary>The simulated device: what its blocks hold, and what it says of its memory.</summary>
public sealed class SimulatedDeviceTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Blocks_of_any_size_hold_their_own_bytes_and_show_them_to_the_host(bool unified)
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
    public void A_device_says_how_much_of_its_capacity_is_free_and_gives_no_more()
    {
        using var device = new SimulatedDevice(capacityBytes: 4 * MiB);
        Assert.Equal(4 * MiB, device.CapacityBytes);
        Assert.Equal(4 * MiB, device.FreeBytes);

        MemoryBuffer small = device.Allocate(600);
        Assert.Equal(new DeviceMemory(1024, 2 * MiB, 1024, 2 * MiB), device.Memory);
        Assert.Equal(2 * MiB, device.FreeBytes);
        Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => device.Allocate(3 * MiB)).Rule.Id);

        small.Dispose();
        small.Dispose(); // a second time counts for nothing
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

    [Fact]
    public void Blocks_outlive_their_device_and_it_makes_no_more()
    {
        var device = new SimulatedDevice();
        MemoryBuffer block = device.Allocate(3);
        block.Write(0, [1, 2, 3]);

        device.Dispose();
        device.Dispose();

        byte[] back = new byte[3];
        block.Read(0, back);
        Assert.Equal([1, 2, 3], back);
        Assert.Throws<ObjectDisposedException>(() => device.Allocate(1));
        block.Dispose();
        if (OperatingSystem.IsLinux())
        {
            Assert.Throws<ObjectDisposedException>(() => block.Read(0, back)); // its memory went with it
        }
    }

    [Fact]
    public void A_block_of_no_bytes_is_nowhere()
    {
        using var device = new SimulatedDevice();
        using MemoryBuffer block = device.Allocate(0);

        Assert.Equal(default, block.MapForHost());
        Assert.Equal(default, device.Memory);
    }
}
