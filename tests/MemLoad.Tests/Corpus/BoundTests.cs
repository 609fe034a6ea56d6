namespace MemLoad.Tests.Corpus;

/// <summary>
/// What opening allocates stays in proportion to the headers, whatever they say. All that is allocated is counted, so the peak is below it; and who
/// allocates in proportion works in proportion.
/// </summary>
public sealed class BoundTests : IDisposable
{
    private const long FreeBytes = 16 << 20;
    private const int BytesPerByte = 8;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Names => [.. DenseFiles.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_dense_file_takes_at_most_eight_times_its_length_and_16_MiB(string name)
    {
        foreach (int mebibytes in new[] { 1, 8 })
        {
            string path = DenseFiles.All[name](_folder.Path, mebibytes << 20);
            long length = new FileInfo(path).Length;
            string outcome = "opened";
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Checkpoint.Open(path);
            }
            catch (MemLoadException e)
            {
                outcome = e.Message;
            }
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= FreeBytes + (BytesPerByte * length), $"{allocated} bytes for a file of {length}: {outcome}");
        }
    }
}
