using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Loading;

/// <summary>Checkpoints with more files than may be open at a time.</summary>
public sealed class ManyFilesTests(ManyFilesTests.Shards shards) : IClassFixture<ManyFilesTests.Shards>
{
    private const int Files = 300;

    [Theory]
    [MemberData(nameof(StrategiesByDevice.All), MemberType = typeof(StrategiesByDevice))]
    public void They_are_loaded_by_every_strategy(Strategy strategy, string device)
    {
        var checkpoint = Checkpoint.Open(shards.Path);

        using LoadedModel loaded = WeightLoader.Load(new LoadRequest { Path = checkpoint.Path, Strategy = strategy, Device = device });

        Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(loaded.Weights));
    }

    // Tensors with a cast pass through a ring and the others do not, which gives two batches over the same files.
    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    public void Weights_are_overwritten_from_them(string device)
    {
        var view = LoadView.Of(Checkpoint.Open(shards.Path), DType.BFloat16);
        using LoadedModel loaded = WeightLoader.Load(
            new LoadRequest
            {
                Path = shards.Path,
                Strategy = Strategy.Stream,
                Device = device,
                DType = DType.BFloat16,
            });
        string digest = WeightsDigest.Of(loaded.Weights);

        WeightRefill.Run(loaded.Weights, view, loaded.Prepared.Device);

        Assert.Equal(digest, WeightsDigest.Of(loaded.Weights));
    }

    [Fact]
    public void The_file_that_was_requested_last_is_open()
    {
        var checkpoint = Checkpoint.Open(shards.Path);
        using var files = new CheckpointFileSet();
        var random = new Random(3);
        for (int round = 0; round < 50; round++)
        {
            CheckpointFileReader[] batch =
            [
                .. Enumerable.Range(0, files.BatchLimit).Select(_ => files[checkpoint.Files[random.Next(checkpoint.Files.Length)]]),
            ];
            Assert.All(batch, reader => Assert.False(reader.Handle.IsClosed));
        }
    }

    [SkippableFact]
    public void A_file_that_changes_after_it_was_read_is_noticed_though_it_is_no_longer_open()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows does not write to a file that is open for reading");
        using var own = new Shards();
        var checkpoint = Checkpoint.Open(own.Path);
        using var files = new CheckpointFileSet();
        _ = files[checkpoint.Files[0]];
        File.AppendAllText(checkpoint.Files[0].Path, "x");

        var error = Assert.Throws<MemLoadException>(() =>
            Enumerable.Range(1, Files - 1).Select(file => files[checkpoint.Files[file]]).ToArray());

        Assert.Equal(("ML1006", checkpoint.Files[0].Path), (error.Rule.Id, error.Path));
    }

    /// <summary>Each shard has a tensor that a cast changes, and a tensor that it does not change.</summary>
    public sealed class Shards : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public Shards()
        {
            var map = new Dictionary<string, string>();
            for (int i = 0; i < Files; i++)
            {
                string name = $"s{i:d3}.safetensors";
                var source = new MemorySource().Add($"f{i}", DType.Float32, 5, 3).Add($"i{i}", DType.Int64, 2, i % 2);
                CheckpointWriter.Write(source, _folder[name], CheckpointFormat.Safetensors);
                File.SetLastWriteTimeUtc(_folder[name], DateTime.UtcNow.AddMinutes(-1));
                map.Add($"f{i}", name);
                map.Add($"i{i}", name);
            }
            Path = _folder.Write(
                "model.safetensors.index.json",
                System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, object> { ["weight_map"] = map }));
        }

        /// <summary>The path of the index.</summary>
        public string Path { get; }

        public void Dispose() => _folder.Dispose();
    }
}
