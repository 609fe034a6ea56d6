namespace MemLoad.Tests.Devices;

public sealed class MemoryBufferTests
{
    [Fact]
    public void Memory_goes_when_the_owner_has_disposed_it_and_the_last_holder_has_let_go()
    {
        var buffer = new Watched();
        buffer.Hold();
        buffer.Hold();

        buffer.Dispose();
        buffer.Dispose(); // a second time counts for nothing
        buffer.LetGo();
        Assert.Equal(0, buffer.Releases);

        buffer.LetGo();
        Assert.Equal(1, buffer.Releases);
        Assert.Throws<ObjectDisposedException>(buffer.Hold);
    }

    [Fact]
    public void A_holder_that_lets_go_first_does_not_take_the_memory_from_the_owner()
    {
        var buffer = new Watched();
        buffer.Hold();
        buffer.LetGo();
        Assert.Equal(0, buffer.Releases);

        buffer.Dispose();
        Assert.Equal(1, buffer.Releases);
    }

    [Fact]
    public unsafe void A_mapping_that_takes_writes_leaves_the_file_as_it_is()
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

    private sealed class Watched() : MemoryBuffer(8)
    {
        public int Releases { get; private set; }

        public override void Write(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

        public override void Read(long offset, Span<byte> destination) => throw new NotSupportedException();

        protected override void Dispose(bool disposing) => Releases++;
    }
}
