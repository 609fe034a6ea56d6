using MemLoad.Tests.Measurement;

namespace MemLoad.Tests.Devices;

// Alone, or other tests take the addresses that were given back.
[Collection(QuietProcess.Name)]
public sealed class HostMemoryTests
{
    [SkippableFact]
    public void Everything_given_back_is_gone_from_the_process_whatever_its_size()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "reads /proc/self/maps");
        var random = new Random(7);
        var memory = new HostMemory();
        var blocks = new List<MemoryBuffer>();
        for (int i = 0; i < 300; i++)
        {
            blocks.Add(memory.Allocate(random.Next(3) == 0 ? random.Next(8 << 20) : random.Next(20_000)));
        }
        long[] addresses = [.. blocks.Where(block => block.Length > 0).Select(block => (long)block.Address)];
        Assert.All(addresses, address => Assert.True(IsMapped(address)));
        Assert.All(blocks.Where(block => block.Length > 0), block => Assert.Equal(0, block.Address % 64));

        memory.Dispose(); // blocks outlive the allocator
        byte[] content = [1, 2, 3];
        MemoryBuffer last = blocks.Last(block => block.Length > 3);
        last.Write(0, content);
        byte[] back = new byte[3];
        last.Read(0, back);
        Assert.Equal(content, back);

        foreach (MemoryBuffer block in blocks)
        {
            block.Dispose();
            block.Dispose(); // twice is once
        }
        // Others may have taken an address since; nearly all must be free.
        Assert.InRange(addresses.Count(IsMapped), 0, addresses.Length / 10);
    }

    private static bool IsMapped(long address) => File.ReadLines("/proc/self/maps").Any(line =>
    {
        string[] range = line.Split(' ', 2)[0].Split('-');
        return (ulong)address >= Convert.ToUInt64(range[0], 16) && (ulong)address < Convert.ToUInt64(range[1], 16);
    });
}
