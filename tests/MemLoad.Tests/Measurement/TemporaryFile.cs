namespace MemLoad.Tests.Measurement;

/// <summary>A file of random bytes that is deleted after the test.</summary>
internal sealed class TemporaryFile : IDisposable
{
    public TemporaryFile(long length)
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"memload-{Guid.NewGuid():N}.bin");
        Length = length;
        byte[] block = new byte[(int)Math.Min(length, 1 << 20)];
        new Random(1).NextBytes(block);
        using FileStream stream = File.Create(Path);
        for (long written = 0; written < length; written += block.Length)
        {
            stream.Write(block, 0, (int)Math.Min(block.Length, length - written));
        }
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Whether the file system is in memory. Its pages are then shared memory and cannot be evicted.</summary>
    public bool IsInMemory => OperatingSystem.IsLinux() && FileSystems.IsInMemory(FileSystems.NameOf(Path));

    public void Dispose() => File.Delete(Path);
}
