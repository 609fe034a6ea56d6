namespace MemLoad.Tests.Devices;

public sealed class MemoryBufferTests
{
    [Fact]
    public void Memory_is_released_after_the_owner_disposes_it_and_the_last_reference_is_released()
    {
        var buffer = new Watched();
        buffer.AddReference();
        buffer.AddReference();

        buffer.Dispose();
        buffer.Dispose(); // a second call has no effect
        buffer.Release();
        Assert.Equal(0, buffer.Releases);

        buffer.Release();
        Assert.Equal(1, buffer.Releases);
        Assert.Throws<ObjectDisposedException>(buffer.AddReference);
    }

    [Fact]
    public void A_reference_that_is_released_first_does_not_release_the_memory_of_the_owner()
    {
        var buffer = new Watched();
        buffer.AddReference();
        buffer.Release();
        Assert.Equal(0, buffer.Releases);

        buffer.Dispose();
        Assert.Equal(1, buffer.Releases);
    }

    [Fact]
    public void Threads_that_add_and_release_references_concurrently_neither_lose_nor_leak_the_memory()
    {
        var buffer = new Watched();
        Parallel.For(0, 4, _ =>
        {
            for (int i = 0; i < 100_000; i++)
            {
                buffer.AddReference();
                buffer.Release();
            }
        });
        Assert.Equal(0, buffer.Releases);

        buffer.Dispose();
        Assert.Equal(1, buffer.Releases);
    }

    [Fact]
    public unsafe void A_writable_mapping_does_not_change_the_file()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("bytes", [1, 2, 3, 4]);
        using (var mapped = MappedFile.Open(new CheckpointFile(path, 4), writable: true))
        {
            ((byte*)mapped.Address)[0] = 9;
            byte[] seen = new byte[4];
            mapped.Read(0, seen);
            Assert.Equal([9, 2, 3, 4], seen);
        }
        Assert.Equal([1, 2, 3, 4], File.ReadAllBytes(path));
    }

    [Fact]
    public void A_mapping_returns_bytes_within_the_file_and_accepts_none()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("bytes", [1, 2, 3, 4]);
        using var mapped = MappedFile.Open(new CheckpointFile(path, 4));
        byte[] back = new byte[2];

        mapped.Read(2, back);

        Assert.Equal([3, 4], back);
        Assert.Equal(4, mapped.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => mapped.Read(3, back));
        Assert.Throws<ArgumentOutOfRangeException>(() => mapped.Read(-1, back));
        Assert.Throws<NotSupportedException>(() => mapped.Write(0, [9]));
    }

    [Theory]
    [InlineData("cpu", 10)]
    [InlineData("cpu", 1 << 20)]
    [InlineData("sim", 10)]
    public void A_block_is_not_used_after_its_last_holder_has_let_go(string name, int length)
    {
        using IDevice device = DeviceRegistry.Open(name);
        MemoryBuffer block = device.Allocate(length);
        block.AddReference();
        block.Dispose();
        block.Write(0, [1]); // it is still held
        block.Release();

        Assert.Throws<ObjectDisposedException>(() => block.Read(0, new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => block.Write(0, [1]));
        Assert.Throws<ObjectDisposedException>(() => block.MapForHost());
    }

    [Fact]
    public void A_mapping_is_not_used_after_it_is_disposed()
    {
        using var folder = new TemporaryFolder();
        var mapped = MappedFile.Open(new CheckpointFile(folder.Write("bytes", [1, 2, 3, 4]), 4));
        mapped.Dispose();

        Assert.Throws<ObjectDisposedException>(() => mapped.Read(0, new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => mapped.MapForHost());
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    public void A_block_accepts_and_returns_bytes_only_within_its_length(string name)
    {
        using IDevice device = DeviceRegistry.Open(name);
        using MemoryBuffer block = device.Allocate(10);
        block.Write(0, new byte[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 });
        byte[] back = new byte[3];

        block.Read(7, back);
        Assert.Equal([7, 8, 9], back);
        block.Write(10, []);
        block.Read(10, []);

        foreach ((long offset, int count) in new[] { (-1L, 1), (8L, 3), (10L, 1), (11L, 0), (long.MaxValue, 1) })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => block.Write(offset, new byte[count]));
            Assert.Throws<ArgumentOutOfRangeException>(() => block.Read(offset, new byte[count]));
        }
    }

    [Fact]
    public void A_copy_is_as_long_as_its_target_and_can_be_cancelled()
    {
        using var device = new SimulatedDevice();
        using var workers = new Workers();
        byte[] content = new byte[700_001]; // more than one piece of a copy in the simulated device
        new Random(11).NextBytes(content);
        using MemoryBuffer source = device.Allocate(content.Length);
        using MemoryBuffer target = device.Allocate(600_001);
        source.Write(0, content);
        target.Write(0, new byte[600_001]);
        byte[] back = new byte[600_001];

        Assert.Throws<OperationCanceledException>(() => device.Copy(source, target, workers, new CancellationToken(true)));
        target.Read(0, back);
        Assert.False(back.AsSpan().ContainsAnyExcept((byte)0));

        device.Copy(source, target, workers, CancellationToken.None);
        target.Read(0, back);
        Assert.True(content.AsSpan(0, back.Length).SequenceEqual(back));
    }

    [Fact]
    public void Memory_without_an_address_is_mapped_only_if_there_is_none_of_it()
    {
        Assert.Throws<NotSupportedException>(() => new Watched().MapForHost());
        Assert.Equal(default, new Watched(0).MapForHost());
    }

    private sealed class Watched(long length = 8) : MemoryBuffer(length)
    {
        public int Releases { get; private set; }

        public override void Write(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

        public override void Read(long offset, Span<byte> destination) => throw new NotSupportedException();

        protected override void Dispose(bool disposing) => Releases++;
    }
}
