using MemLoad.Cli;
using MemLoad.Tests.Corpus;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Tensors;

/// <summary>The cost of hashing is reported before it begins, and hashing can be stopped within one tensor.</summary>
public sealed class HashCostTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_announced_bytes_are_the_hashed_bytes()
    {
        Checkpoint checkpoint = Checkpoint.Open(Expanded(1L << 20));
        var heard = new Last();
        _ = WeightsDigest.OfTensors(checkpoint, heard);

        Assert.Equal(2L << 20, WeightsDigest.BytesToHash(checkpoint));
        Assert.Equal(2L << 20, heard.Value);
        Assert.Equal(16, checkpoint.ModelBytes);
    }

    [Fact]
    public void A_test_reads_the_bytes_that_it_announces()
    {
        string path = Expanded(1L << 20);
        string manifest = Path.Combine(_folder.Path, "x.manifest.json");
        WeightManifest expected = WeightManifest.Of(Checkpoint.Open(path), WeightsDigest.OfTensors(Checkpoint.Open(path)));
        foreach ((bool deep, WeightManifest? against) in new[] { (true, null), (false, expected), (true, expected) })
        {
            var heard = new Last();
            long announced = 0;
            WeightVerdict verdict = WeightTester.Test(path, deep, against, total =>
            {
                announced = total;
                return heard;
            });
            Assert.True(verdict.IsSound, verdict.Finding);
            Assert.Equal(announced, heard.Value);
        }
        Assert.False(File.Exists(manifest));
    }

    [Fact]
    public void The_sum_of_the_bytes_of_views_does_not_overflow() =>
        Assert.Equal(long.MaxValue, WeightsDigest.Saturated([long.MaxValue - 1, 1, long.MaxValue]));

    [Fact]
    public void Hashing_one_tensor_stops_at_the_next_piece()
    {
        Checkpoint checkpoint = Checkpoint.Open(Expanded(1L << 24));
        using var stop = new CancellationTokenSource();
        var heard = new Last { First = stop.Cancel };

        Assert.Throws<OperationCanceledException>(() => WeightsDigest.OfTensors(checkpoint, heard, stop.Token));
        // Each thread completes its current piece.
        Assert.InRange(heard.Value, 1, (long)(Environment.ProcessorCount + 1) << 20);
    }

    [SkippableFact]
    public void A_view_of_a_file_that_others_can_write_to_is_read_in_place_and_can_be_stopped()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems map files under the same conditions");
        byte[] data = [.. Enumerable.Range(0, 4000).Select(i => (byte)(i * 31))];
        byte[] view = Tensor(
            Storage("ByteStorage", count: data.Length), offset: Number(70), shape: Numbers(30, 20), strides: Numbers(2, 100));
        string path = _folder.Write("x.pth", ZipForge.Torch(zip => zip["data/0"].Data = data, Whole(Dict(("a", view)))));
#pragma warning disable CA1416 // Linux, as above.
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite);
#pragma warning restore CA1416
        using FileStream writer = File.Open(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        Checkpoint checkpoint = Checkpoint.Open(path);
        using var elements = new MemoryStream();

        checkpoint.StreamElements(checkpoint.Tensors[0], elements.Write);

        Assert.Equal(
            from row in Enumerable.Range(0, 30)
            from column in Enumerable.Range(0, 20)
            select data[70 + (row * 2) + (column * 100)],
            elements.ToArray());
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        Assert.Throws<OperationCanceledException>(() => checkpoint.StreamElements(checkpoint.Tensors[0], elements.Write, stopped.Token));
    }

    [Theory]
    [InlineData("inspect", "--hash")]
    [InlineData("manifest", "--force")]
    [InlineData("test", "--manifest")]
    public async Task A_command_announces_its_bytes_before_it_begins_and_stops_within_a_tensor(string command, string option)
    {
        // Two views of 8 GiB each, which take too long to hash in a test.
        string path = Expanded(1L << 33, pad: 16 << 20);
        string manifest = Path.Combine(_folder.Path, "expected.json");
        string[] claimed = [new('0', 64), new('0', 64)];
        await File.WriteAllBytesAsync(manifest, ManifestWriter.Format(WeightManifest.Of(Checkpoint.Open(path), claimed)));
        using var output = new StringWriter();
        using var stop = new CancellationTokenSource();
        using var error = new CancelingWriter(stop);

        int code = await CliRunner.RunAsync(
            [command, "--path", path, option, .. command == "test" ? new[] { manifest } : []], output, error, stop.Token);

        Assert.Equal(130, code);
        // A loaded machine can take long enough to print lines of progress. It never reaches the end of 16 GiB.
        Assert.Matches(@"^memload: (hashing|testing) 16\.00 GiB\r?\n(memload: [^\n]* %[^\n]*\n)*memload: interrupted", error.ToString());
        Assert.DoesNotContain("100 %", error.ToString(), StringComparison.Ordinal);
        Assert.Equal([manifest], Directory.GetFiles(_folder.Path, "*.json"));
    }

    // Returns two views of the given bytes over a storage of four floats, or over four floats of a larger storage.
    private string Expanded(long bytes, int pad = 0)
    {
        string key = pad > 0 ? "1" : "0";
        byte[] view = Tensor(Storage(key: key, count: pad > 0 ? pad / 4 : 4), shape: Numbers(bytes / 16, 4), strides: Numbers(0, 1));
        byte[] file = ZipForge.Torch(
            zip =>
            {
                if (pad > 0)
                {
                    zip.Add("archive/data/1", new byte[pad]);
                }
            },
            Whole(Dict(("a", view), ("b", view))));
        return _folder.Write("x.pth", file);
    }

    private sealed class Last : IProgress<long>
    {
        private long _value;

        public Action? First { get; init; }

        public long Value => Volatile.Read(ref _value);

        public void Report(long value)
        {
            long before;
            while ((before = Volatile.Read(ref _value)) < value && Interlocked.CompareExchange(ref _value, value, before) != before)
            {
            }
            First?.Invoke();
        }
    }

    // Cancels after the first line was written.
    private sealed class CancelingWriter(CancellationTokenSource stop) : StringWriter
    {
        private bool _begun;

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (!_begun)
            {
                // A separate thread is used, because a timer of the thread pool is seconds late while many tests run.
                _begun = true;
                new Thread(() =>
                {
                    Thread.Sleep(50);
                    stop.Cancel();
                }).Start();
            }
        }
    }
}
