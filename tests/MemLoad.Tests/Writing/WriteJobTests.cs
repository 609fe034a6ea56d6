namespace MemLoad.Tests.Writing;

/// <summary>The content that a write leaves out, and the content of its report.</summary>
public sealed class WriteJobTests
{
    [Theory]
    [InlineData(0, null)]
    [InlineData(1, "left out 1 entry that is not a tensor: e0")]
    [InlineData(2, "left out 2 entries that are not tensors: e0, e1")]
    [InlineData(3, "left out 3 entries that are not tensors: e0, e1, e2")]
    [InlineData(4, "left out 4 entries that are not tensors: e0, e1, e2, …")]
    public void Entries_that_are_not_tensors_are_counted_and_the_first_are_named(int count, string? text)
    {
        var entries = new SortedDictionary<string, object?>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            entries.Add($"e{i}", 1L);
        }
        var source = new Checkpoint("x.pth", CheckpointFormat.TorchZip, [], [], [], entries);

        Assert.Equal(text, new WriteJob(source, "y.pth", CheckpointFormat.TorchZip, overwrite: false).LeftOut);
    }

    [Theory]
    [InlineData("x.safetensors", CheckpointFormat.Safetensors)]
    [InlineData("x.pth", CheckpointFormat.TorchZip)]
    [InlineData("x", CheckpointFormat.PerTensor)]
    [InlineData("x", CheckpointFormat.Sharded)]
    public void A_job_reports_the_absolute_path_the_format_the_tensors_and_the_bytes_on_the_disk(string name, CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        MemorySource source = new MemorySource().Add("a", DType.Float32, 30).Add("b", DType.Int8, 7);
        WriteJob New(bool overwrite) => format == CheckpointFormat.Sharded
            ? new WriteJob(source, folder[name], 100, overwrite)
            : new WriteJob(source, folder[name], format, overwrite);

        WriteJob job = New(overwrite: false);
        Assert.Empty(folder.Names); // nothing is written before it runs
        WriteResult result = job.Run(null, default);

        long onDisk = Directory.Exists(folder[name])
            ? Directory.EnumerateFiles(folder[name]).Sum(file => new FileInfo(file).Length)
            : new FileInfo(folder[name]).Length;
        Assert.Equal(new WriteResult(folder[name], format, 2, onDisk), result);
        Assert.Equal((folder[name], format, onDisk), (job.Path, job.Format, job.Bytes));
        Assert.Null(job.LeftOut);
        Assert.Equal("ML9102", Assert.Throws<MemLoadException>(() => New(overwrite: false).Run(null, default)).Rule.Id);
        Assert.Equal(result, New(overwrite: true).Run(null, default));
    }

    [Fact]
    public void A_job_reports_progress_and_can_be_canceled()
    {
        using var folder = new TemporaryFolder();
        MemorySource source = new MemorySource().Add("a", DType.Float32, 30).Add("b", DType.Int8, 7);
        WriteJob[] jobs = [new(source, folder["x"], 100, false), new(source, folder["x.pth"], CheckpointFormat.TorchZip, false)];
        foreach (WriteJob job in jobs)
        {
            long heard = 0;
            Assert.Throws<OperationCanceledException>(() => job.Run(null, new CancellationToken(canceled: true)));
            Assert.Empty(folder.Names);
            job.Run(new Listener(bytes => heard = bytes), default);
            Assert.Equal(job.Bytes, heard);
            if (Directory.Exists(folder["x"]))
            {
                Directory.Delete(folder["x"], recursive: true);
            }
        }
    }
}
