using System.Globalization;
using System.Text.RegularExpressions;
using MemLoad.Tests.Cli;
using MemLoad.Tests.Windows;

namespace MemLoad.Tests.Reports;

/// <summary>The text format of Prometheus, which is read here according to its specification.</summary>
public sealed partial class LoadMetricsTests
{
    [Fact]
    public void Rows_of_a_file_become_metrics_that_replace_those_of_the_last_run()
    {
        using var folder = new TemporaryFolder();
        string[] measure = ["measure", Fixtures.PathOf("tiny/fp32.pth"), "--in-process", "--strategy", "Stream", "--model-name", "m"];
        string rows = folder.Write("rows.csv", CliRun.Of([.. measure, "--format", "csv"]).Output);
        string target = folder.Write("x.prom", "old");

        CliRun run = CliRun.Of("report", rows, "--out", target);
        CliRun drawn = CliRun.Of("report", rows, "--out", target, "--picture-path", folder["pictures"]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("x.prom: metrics of 1 row", run.Output, StringComparison.Ordinal);
        Assert.Contains("memload_load_status{model=\"m\",strategy=\"Stream\"", File.ReadAllText(target), StringComparison.Ordinal);
        Assert.Equal(2, drawn.ExitCode);
    }

    [Fact]
    public void Families_are_contiguous_and_series_unique_for_any_rows()
    {
        LoadMeasurement[] rows =
        [
            Rows.Loaded("Meta"),
            Rows.Loaded("Mmap") with
            {
                MajorFaults = null,
                Size = null,
            },
            Rows.Failed("Stream", LoadOutcome.Refused, "ML7005: no room. Get more."),
            Rows.Loaded("Meta") with
            {
                Device = "evil\"} 1\n# HELP \\ \u001b[2J",
                Rank = 1,
                RankCount = 4,
            },
            Rows.Loaded("Meta") with
            {
                Run = 2,
            },
        ];
        foreach (string? model in (string?[])[null, "my \"model\"\\\n", ""])
        {
            Dictionary<string, List<(Dictionary<string, string> Labels, double Value)>> metrics = Parse(LoadMetrics.Format(rows, model));

            Assert.Contains("memload_load_seconds", metrics.Keys);
            Assert.Equal(4, metrics["memload_load_success"].Count); // two runs of one load are one series
            Assert.Equal([1, 1, 0, 1], metrics["memload_load_success"].Select(sample => sample.Value));
            Assert.All(metrics.SelectMany(family => family.Value), sample =>
                Assert.Equal(
                    ["device", "model", "strategy"],
                    sample.Labels.Keys.Order(StringComparer.Ordinal).Where(label => label is "device" or "model" or "strategy")));
            Assert.Equal(["Loaded", "Loaded", "Refused", "Loaded"], metrics["memload_row_info"].Select(sample => sample.Labels["outcome"]));
        }
    }

    [Fact]
    public void Figures_are_in_seconds_and_bytes()
    {
        LoadMeasurement row = Rows.Loaded("Meta") with
        {
            ElapsedMicroseconds = 1_234_567,
            PeakHostBytes = 9_007_199_254_740_993,
            StartedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(1)),
        };

        string text = LoadMetrics.Format([row], "m");

        Assert.Contains("\nmemload_load_seconds{model=\"m\",strategy=\"Meta\",device=\"sim\"} 1.234567\n", text, StringComparison.Ordinal);
        Assert.Contains("} 9007199254740993\n", text, StringComparison.Ordinal);
        Assert.Contains(
            "memload_last_run_timestamp_seconds{model=\"m\",strategy=\"Meta\",device=\"sim\"} 1767319445.678\n",
            text,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_is_never_a_label() =>
        Assert.DoesNotContain(
            ".pth",
            LoadMetrics.Format([Rows.Loaded("Meta") with { Path = "/secret/customer.pth", Size = null }], null),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("Path", "/a.pth", "/b.pth")]
    [InlineData("HostName", "gpu1", "gpu2")]
    [InlineData("DType", null, "bfloat16")]
    [InlineData("Cache", "Warm", "Cold")]
    [InlineData("RankCount", "2", "4")]
    public void Loads_that_would_be_one_series_are_refused_and_names_distinguish_them(string column, string? one, string two)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("x.prom", "old");

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => LoadMetrics.Write([Row(one, "m"), Row(two, "m")], path, null));

        Assert.Equal("ML8106", refusal.Rule.Id);
        Assert.Contains($"differ in {column}", refusal.Finding, StringComparison.Ordinal);
        Assert.Throws<MemLoadException>(() => LoadMetrics.Write([Row(one, "a"), Row(two, "b")], path, "same"));
        Assert.Equal("old", File.ReadAllText(path));
        _ = LoadMetrics.Write([Row(one, "a"), Row(one, "a"), Row(two, "b")], path, null);
        Assert.Equal(2, Parse(File.ReadAllText(path))["memload_load_success"].Count);

        LoadMeasurement Row(string? value, string model) => RowValues.ToRow(
            name => name == column ? value : name == "Model" ? model : name is "Run" or "Rank" ? "1"
                : name == "StartedAt" ? "2026-01-02T03:04:05Z"
                : name is "Strategy" or "Device" or "Outcome" or "HostName" or "ModuleVersion" ? "x" : null,
            "here");
    }

    private static readonly string[] Texts = [.. Enumerable.Range(1, 2).Select(count => LoadMetrics.Format(Many(count), "m"))];

    [Fact]
    public async Task Two_writers_at_once_both_succeed()
    {
        using var folder = new TemporaryFolder();
        string path = folder["x.prom"];

        await Task.WhenAll(TwoWriters(path));

        Assert.Contains(await File.ReadAllTextAsync(path), Texts);
        Assert.Equal(["x.prom"], folder.Names);
    }

    [SkippableFact]
    public async Task Two_writers_at_once_never_tear_the_file()
    {
        CompatibilityLayer.SkipRenameOverOpenFile();
        using var folder = new TemporaryFolder();
        string path = folder["x.prom"];
        _ = LoadMetrics.Write(Many(1), path, "m");
        Task[] writers = TwoWriters(path);
        try
        {
            while (!Task.WhenAll(writers).IsCompleted)
            {
                try
                {
                    using var reader = new StreamReader(
                        new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
                    Assert.Contains(await reader.ReadToEndAsync(), Texts);
                }
                catch (IOException)
                {
                    // The lock of .NET, which a writer holds until the file has its name. Exporters do not use it.
                }
            }
        }
        finally
        {
            await Task.WhenAll(writers);
        }
    }

    private static Task[] TwoWriters(string path) =>
    [
        .. Enumerable.Range(1, 2).Select(count => Task.Run(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                _ = LoadMetrics.Write(Many(count), path, "m");
            }
        })),
    ];

    private static LoadMeasurement[] Many(int count) =>
        [.. Enumerable.Range(0, 20 * count).Select(i => Rows.Loaded("Meta") with { Device = $"d{i}" })];

    [Fact]
    public void Names_that_collectors_do_not_read_and_no_rows_are_refused()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal("ML1008", Assert.Throws<MemLoadException>(() => LoadMetrics.RequireWritable(folder["x.txt"])).Rule.Id);
        Assert.Equal("ML8104", Assert.Throws<MemLoadException>(() => LoadMetrics.Write([], folder["x.prom"], null)).Rule.Id);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Measure_prints_them()
    {
        CliRun run = CliRun.Of(
            "measure",
            "--path",
            Fixtures.PathOf("tiny/fp32.pth"),
            "--in-process",
            "--strategy",
            "Stream,Mmap",
            "--format",
            "prom",
            "--model-name",
            "tiny");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["tiny", "tiny"], Parse(run.Output)["memload_load_success"].Select(sample => sample.Labels["model"]));
    }

    private static Dictionary<string, List<(Dictionary<string, string> Labels, double Value)>> Parse(string text)
    {
        var families = new Dictionary<string, List<(Dictionary<string, string>, double)>>();
        var series = new HashSet<string>();
        string family = "";
        string? helped = null;
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        foreach (string line in text[..^1].Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                helped = line.Split(' ')[2];
                Assert.DoesNotContain(helped, families.Keys); // one group per family
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                Assert.Equal($"# TYPE {helped} gauge", line);
                families.Add(family = helped!, []);
            }
            else
            {
                Match sample = Sample().Match(line);
                Assert.True(sample.Success && sample.Groups[1].Value == family, line);
                Assert.True(series.Add(line[..line.LastIndexOf(' ')]), line);
                families[family]
                    .Add(
                        (
                            Label()
                                .Matches(sample.Groups[2].Value)
                                .ToDictionary(label => label.Groups[1].Value, label => Unescape(label.Groups[2].Value)),
                            double.Parse(sample.Groups[3].Value, CultureInfo.InvariantCulture)));
            }
        }
        return families;
    }

    private static string Unescape(string value) =>
        Escape().Replace(value, match => match.Value switch { "\\n" => "\n", _ => match.Value[1..] });

    [GeneratedRegex(@"^([a-z_]+)\{((?:[a-z_]+=""(?:[^""\\\n]|\\[\\n""])*"",?)*)\} ([-+0-9.eE]+)$")]
    private static partial Regex Sample();

    [GeneratedRegex(@"([a-z_]+)=""((?:[^""\\\n]|\\[\\n""])*)""")]
    private static partial Regex Label();

    [GeneratedRegex(@"\\[\\n""]")]
    private static partial Regex Escape();
}
