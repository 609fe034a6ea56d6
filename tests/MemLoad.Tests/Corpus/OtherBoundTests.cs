using System.Diagnostics;
using System.Globalization;
using MemLoad.Tests.Checkpoints;
using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Corpus;

/// <summary>
/// The other readers of files, with the worst known input. Each takes time in proportion to its input. The limit of time is generous,
/// because the failure is quadratic time for a hundred thousand items.
/// </summary>
public sealed class OtherBoundTests : IDisposable
{
    private const int Many = 50_000;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_report_of_many_rows_and_of_many_samples_of_other_loads() => InTime(() =>
    {
        LoadMeasurement[] rows = [.. Enumerable.Range(0, Many).Select(i => Rows.Loaded("Stream") with { Run = i })];
        LoadTimeline[] samples =
        [
            .. Enumerable.Range(0, Many).Select(i => new LoadTimeline
            {
                Strategy = "Stream", Device = "sim", Run = i, HostName = "host", StartedAt = DateTimeOffset.UnixEpoch,
                Points = [new(0, 1, 1, 1, 1, 1, 1, null), new(1, 1, 1, 1, 1, 1, 1, null)],
            }),
        ];
        Assert.All(ReportGroup.Of(rows, samples), group => Assert.All(group.Strategies, strategy => Assert.Null(strategy.Timeline)));
        Assert.NotNull(ReportGroup.Of(rows, [samples[0] with { StartedAt = rows[0].StartedAt }])[0].Strategies[0].Timeline);
    });

    [Fact]
    public void Layers_of_a_model_by_numbers_that_share_a_bucket() => InTime(() =>
    {
        TensorEntry[] tensors =
        [
            new("tok_emb.weight", DType.Float32, [4, 4], [4, 1], 0, 0), new("pos_emb.weight", DType.Float32, [4, 4], [4, 1], 0, 0),
            .. Enumerable.Range(0, 28_000).Select(i => new TensorEntry(
                string.Create(CultureInfo.InvariantCulture, $"trf_blocks.{i * 75_431L}.x"), DType.Float32, [4, 4], [4, 1], 0, 0)),
        ];
        Assert.Equal("ML6021", Assert.Throws<MemLoadException>(() => GptConfig.Infer(tensors, heads: null)).Rule.Id);
    });

    [Fact]
    public void A_deep_test_of_many_files() => InTime(() =>
    {
        const int files = 3000;
        for (int i = 0; i < files; i++)
        {
            _folder.Write(string.Create(CultureInfo.InvariantCulture, $"{i}.safetensors"), CheckpointKit.SafetensorsOfBytes(($"t{i}", 2)));
        }
        WeightVerdict verdict = WeightTester.Test(_folder.Path, deep: true);
        Assert.True(verdict.IsSound, verdict.Finding);
        Assert.Equal(0, verdict.ZeroTailBytes);
    });

    [Fact]
    public void Zero_tails_are_found_in_each_file_separately()
    {
        byte[] header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[20000],\"data_offsets\":[0,20000]}}"u8.ToArray();
        byte[] zeros = CheckpointKit.Safetensors(header, 20000);
        zeros.AsSpan(5000).Clear();
        _folder.Write("a.safetensors", zeros);
        _folder.Write("b.safetensors", CheckpointKit.SafetensorsOfBytes(("b", 20000)));
        long zeroPages = (zeros.Length - 8192) / 4096 * 4096;

        Assert.InRange(WeightTester.Test(_folder.Path, deep: true).ZeroTailBytes!.Value, zeroPages, zeroPages + 4095);
    }

    [Fact]
    public void A_manifest_of_long_names_that_begin_alike() => InTime(() =>
    {
        string prefix = new('n', 2000);
        string hash = new('0', 64);
        IEnumerable<string> tensors = Enumerable.Range(0, 10_000).Select(i =>
            $$"""{"Name":"{{prefix}}{{i * 7919 % 10_000}}","DType":"uint8","Shape":[1],"Bytes":1,"Sha256":"{{hash}}"}""");
        string path = Path.Combine(_folder.Path, "x.manifest.json");
        File.WriteAllText(path, $$"""{"ManifestVersion":1,"WeightsDigest":"x","Tensors":[{{string.Join(',', tensors)}}]}""");
        Assert.Equal("ML6108", Assert.Throws<MemLoadException>(() => WeightManifest.Read(path)).Rule.Id);
    });

    [Fact]
    public void Rows_of_many_unknown_columns() =>
        InTime(() =>
        {
            string path = Path.Combine(_folder.Path, "rows.json");
            string unknown = string.Join(',', Enumerable.Range(0, 200_000).Select(i => $"\"x{i}\":{i}"));
            File.WriteAllText(
                path,
                $$"""
                [{"Strategy":"Stream","Device":"sim","Outcome":"Loaded","Run":1,"HostName":"h","StartedAt":"2026-01-02T03:04:05Z",
                "ModuleVersion":"1",{{unknown}}}]
                """
            );
            Assert.Single(RowFile.Read(path));
            path = Path.Combine(_folder.Path, "rows.csv");
            File.WriteAllText(
                path, "Strategy," + string.Join(',', Enumerable.Range(0, 200_000)) + "\nStream" + new string(',', 200_000) + "\n");
            Assert.Equal("ML8102", Assert.Throws<MemLoadException>(() => RowFile.Read(path)).Rule.Id);
        });

    private static void InTime(Action work)
    {
        var clock = Stopwatch.StartNew();
        work();
        Assert.True(clock.Elapsed < MostTime, $"{clock.Elapsed}");
    }
}
