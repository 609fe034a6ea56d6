using System.Text;
using System.Text.Json;

namespace MemLoad.Tests.Writing;

public sealed class ShardedWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tiny/fp32.pth")]
    [InlineData("tiny/bf16.safetensors")]
    [InlineData("layout/views_and_shared.pth")]
    [InlineData("distributed/two-ranks")]
    [InlineData("distributed/four-ranks")]
    public void Shards_of_any_format_contain_the_tensors_of_the_source(string name)
    {
        var source = Checkpoint.Open(Fixtures.PathOf(name));
        foreach (long most in new long[] { 1, 100, 5000, 1 << 20 })
        {
            string target = _folder[$"m{most}"];
            var written = new List<long>();
            CheckpointWriter.WriteShards(source, target, most, bytesWritten: new Direct(written.Add));

            var shards = Checkpoint.Open(target);
            Assert.Equal(WeightsDigest.Of(source), WeightsDigest.Of(shards));
            Assert.Equal(written[^1], CheckpointWriter.CountShardBytes(source, target, most));
            Assert.Equal(written[^1], Directory.GetFiles(target).Sum(file => new FileInfo(file).Length));
            foreach (string file in Directory.GetFiles(target, "*.safetensors"))
            {
                var shard = Checkpoint.Open(file);
                Assert.True(shard.Tensors.Length == 1 || shard.Tensors.Sum(tensor => tensor.Bytes) <= most, file);
            }
        }
    }

    [Fact]
    public void Names_and_index_are_those_of_transformers()
    {
        // The files have at most 40 bytes, in this order: a and b; c alone, because it is larger; d. The library huggingface_hub splits in
        // the same way.
        MemorySource source = new MemorySource()
            .Add("b", DType.Float32, 5)
            .Add("a", DType.Float32, 5)
            .Add("c", DType.Float32, 11)
            .Add("é\"", DType.Float32, 2);
        string target = _folder["m"];
        CheckpointWriter.WriteShards(source, target, 40);
        Assert.Equal(
            [
                "model-00001-of-00003.safetensors",
                "model-00002-of-00003.safetensors",
                "model-00003-of-00003.safetensors",
                "model.safetensors.index.json",
            ],
            Directory.GetFiles(target).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        const string Expected = """
            {
              "metadata": {
                "total_size": 92
              },
              "weight_map": {
                "a": "model-00002-of-00003.safetensors",
                "b": "model-00002-of-00003.safetensors",
                "c": "model-00001-of-00003.safetensors",
                "\u00e9\"": "model-00003-of-00003.safetensors"
              }
            }

            """;
        Assert.Equal(
            Expected.ReplaceLineEndings("\n"), File.ReadAllText(Path.Combine(target, "model.safetensors.index.json"), Encoding.ASCII));
    }

    [Fact]
    public void A_folder_of_more_than_99999_shards_is_replaced()
    {
        string target = _folder["m"];
        CheckpointWriter.WriteShards(new MemorySource().Add("a", DType.Int8, 3), target, 100);
        File.WriteAllText(Path.Combine(target, "model-00001-of-100000.safetensors"), "");
        File.WriteAllText(Path.Combine(target, "model-100000-of-100000.safetensors"), "");

        CheckpointWriter.WriteShards(new MemorySource().Add("b", DType.Int8, 3), target, 100, overwrite: true);

        Assert.Equal("b", Assert.Single(Checkpoint.Open(target).Tensors).Name);
        Assert.Single(Directory.GetFiles(target));
    }

    [Fact]
    public void Any_name_that_safetensors_accepts_survives_the_index()
    {
        var source = new MemorySource();
        foreach (string name in new[] { "", "a\"b\\c", "tab\t", "\u2028", "ü.名.😀", "{}[],:", "/" })
        {
            source.Add(name, DType.Int16, 3);
        }
        CheckpointWriter.WriteShards(source, _folder["m"], 6);

        using var index = JsonDocument.Parse(File.ReadAllText(_folder["m/model.safetensors.index.json"]));
        Assert.Equal(
            source.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal),
            index.RootElement.GetProperty("weight_map").EnumerateObject().Select(item => item.Name).Order(StringComparer.Ordinal));
        Assert.Equal(source.Lines(strides: true), Checkpoint.Open(_folder["m"]).Lines(strides: true));
    }

    [Fact]
    public void What_fits_one_file_is_one_file_without_an_index()
    {
        var source = Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"));
        CheckpointWriter.WriteShards(source, _folder["m"], long.MaxValue);
        Assert.Equal(["model.safetensors"], Directory.GetFiles(_folder["m"]).Select(Path.GetFileName));
        CheckpointWriter.Write(source, _folder["one.safetensors"], CheckpointFormat.Safetensors);
        Assert.Equal(File.ReadAllBytes(_folder["one.safetensors"]), File.ReadAllBytes(Path.Combine(_folder["m"], "model.safetensors")));
    }

    [Fact]
    public void A_folder_of_shards_is_replaced_as_a_set_and_other_folders_are_not()
    {
        var source = Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"));
        string target = _folder["m"];
        CheckpointWriter.WriteShards(source, target, 5000);
        int before = Directory.GetFiles(target).Length;
        Assert.Equal("ML9102", Refusal(() => CheckpointWriter.WriteShards(source, target, 50_000)));
        CheckpointWriter.WriteShards(source, target, 50_000, overwrite: true);
        Assert.InRange(Directory.GetFiles(target).Length, 2, before - 1);
        Assert.Equal(WeightsDigest.Of(source), WeightsDigest.Of(Checkpoint.Open(target)));
        File.WriteAllText(Path.Combine(target, "config.json"), "{}");
        Assert.Equal("ML9103", Refusal(() => CheckpointWriter.WriteShards(source, target, 5000, overwrite: true)));
        Assert.Equal(["m"], _folder.Names);
    }

    [Fact]
    public void Shards_are_safetensors_in_a_folder()
    {
        Assert.Equal("ML9112", Refusal(() => FormatNames.RequireShards("x.safetensors", null)));
        Assert.Equal("ML9112", Refusal(() => FormatNames.RequireShards("x.pth", CheckpointFormat.Safetensors)));
        Assert.Equal("ML9112", Refusal(() => FormatNames.RequireShards("x", CheckpointFormat.TorchZip)));
        Assert.Equal("ML9112", Refusal(() => FormatNames.RequireShards("x", CheckpointFormat.PerTensor)));
        Assert.Equal(
            "ML9112", Refusal(() => CheckpointWriter.WriteShards(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth")), _folder["m"], 0)));
        FormatNames.RequireShards("llama-3.1", CheckpointFormat.Safetensors);
        FormatNames.RequireShards("x", null);
        Assert.Empty(_folder.Names);
    }

    [Fact]
    public void The_check_of_a_target_for_shards_leaves_no_files()
    {
        var source = Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"));
        CheckpointWriter.WriteShards(source, _folder["shards"], 5000);
        _folder.Write("file", "mine");
        Directory.CreateDirectory(_folder["mixed"]);
        File.WriteAllText(_folder["mixed/config.json"], "{}");
        string[] before = _folder.Names;

        CheckpointWriter.RequireWritableShards(_folder["new"]);
        CheckpointWriter.RequireWritableShards(_folder["shards"], overwrite: true);
        Assert.Equal("ML9102", Refusal(() => CheckpointWriter.RequireWritableShards(_folder["shards"])));
        Assert.Equal("ML9103", Refusal(() => CheckpointWriter.RequireWritableShards(_folder["mixed"], overwrite: true)));
        Assert.Equal("ML9103", Refusal(() => CheckpointWriter.RequireWritableShards(_folder["file"], overwrite: true)));
        Assert.Equal("ML9103", Refusal(() => CheckpointWriter.RequireWritableShards(_folder["absent/new"])));

        Assert.Equal(before, _folder.Names);
    }

    private static string Refusal(Action action) => Assert.Throws<MemLoadException>(action).Rule.Id;

    private sealed class Direct(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }
}
