using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Reports;

public sealed class LoadReportTests
{
    private static readonly XNamespace Html = "http://www.w3.org/1999/xhtml";
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private static readonly LoadMeasurement[] Measured =
    [
        .. Enum.GetNames<Strategy>()
            .Where(name => name != "Auto")
            .SelectMany(name => new[] { Rows.Loaded(name), Rows.Loaded(name, run: 2) with { ElapsedMicroseconds = 900_000 } }),
        Rows.Failed("Meta", LoadOutcome.OutOfMemory, "ML7001: no room") with
        {
            HostName = "other",
        },
        Rows.Loaded("Stream") with
        {
            HostName = "other",
            Device = "cpu",
            Path = "C:\\models\\model.pth",
            DType = "bfloat16",
        },
    ];

    [Fact]
    public void The_page_is_well_formed_and_self_contained_and_runs_only_its_own_script()
    {
        (XDocument page, string text) = Written(Measured, [.. Measured.Select(row => Samples.Of(row))]);

        XElement script = Assert.Single(page.Descendants(Html + "script"));
        Assert.Contains($"<script>{script.Value}</script>", text, StringComparison.Ordinal);
        string hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script.Value)));
        Assert.Contains($"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Descendants().Attributes(), attribute =>
            attribute.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.All(page.Descendants().Attributes().Where(attribute => attribute.Name.LocalName is "src" or "href"), attribute =>
            Assert.StartsWith("#", attribute.Value, StringComparison.Ordinal));
        Assert.DoesNotContain("@import", text, StringComparison.Ordinal);
        string[] ids = [.. page.Descendants().Attributes("id").Select(id => id.Value)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.All(
            page.Descendants()
                .Attributes()
                .Where(attribute => attribute.Name.LocalName is "aria-labelledby")
                .SelectMany(attribute => attribute.Value.Split(' ')),
            id => Assert.Contains(id, ids));
        Assert.All(page.Descendants(Html + "a"), link => Assert.Contains(link.Attribute("href")!.Value[1..], ids));
    }

    [Fact]
    public void Digests_of_different_ranks_are_not_compared_and_each_rank_is_named()
    {
        LoadMeasurement[] ranks =
        [
            .. Enumerable
                .Range(0, 3)
                .Select(rank =>
                    Rows.Loaded("Stream") with
                    {
                        Rank = rank,
                        RankCount = 3,
                        WeightsDigest = new string((char)('a' + rank), 64),
                    }),
        ];
        (_, string text) = Written(ranks, []);

        Assert.DoesNotContain("THE WEIGHTS DIFFER", text, StringComparison.Ordinal);
        Assert.Contains("gpt2-small, rank 2 of 3: the same weights in 1 row", text, StringComparison.Ordinal);
        Assert.Contains("--rank 2 --rank-count 3", text, StringComparison.Ordinal);
        Assert.Contains("-Rank 2 -RankCount 3", text, StringComparison.Ordinal);
        (_, text) = Written([.. ranks, ranks[2] with { HostName = "other", WeightsDigest = ranks[0].WeightsDigest }], []);
        Assert.Contains("gpt2-small, rank 2 of 3: THE WEIGHTS DIFFER", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_picture_has_a_title_a_description_and_a_table()
    {
        (XDocument page, _) = Written(Measured, [.. Measured.Select(row => Samples.Of(row))]);
        XElement[] pictures = [.. page.Descendants(Svg + "svg").Where(svg => svg.Attribute("role")?.Value == "img")];

        Assert.Equal(page.Descendants(Html + "figure").Count(), pictures.Length);
        Assert.All(pictures, svg =>
        {
            Assert.NotEmpty(svg.Element(Svg + "title")!.Value);
            Assert.NotEmpty(svg.Element(Svg + "desc")!.Value);
            Assert.Single(svg.Parent!.Descendants(Html + "table"));
        });
        Assert.All(page.Descendants(Html + "table"), table => Assert.NotEmpty(table.Element(Html + "caption")!.Value));
        Assert.All(page.Descendants(Html + "th"), head => Assert.NotNull(head.Attribute("scope")));
    }

    [Theory]
    [InlineData("</title><script>alert(1)</script>")]
    [InlineData("\"><img src=x onerror=alert(1)>")]
    [InlineData("]]>--><!-- &amp; ' \u001b[31m \u202e \0 \ud800 \uffff")]
    public void Text_of_a_row_or_a_sample_does_not_become_markup(string text)
    {
        LoadMeasurement row = Rows.Loaded(text) with
        {
            Device = text,
            HostName = text,
            Path = text,
            Size = text,
            DType = text,
            Note = text,
            ProcessorName = text,
            HostLimit = text,
            Cache = text,
            ModuleVersion = text,
            WeightsDigest = text,
            Message = text,
        };
        LoadTimeline samples = Samples.Of(row);
        samples = samples with { Points = [.. samples.Points.Select(point => point with { Phase = text })] };
        (XDocument plain, _) = Written([Rows.Loaded("Meta") with { Note = "n", DType = "x" }], [Samples.Of(Rows.Loaded("Meta"))]);

        (XDocument page, string html) = Written([row], [samples]);

        Assert.Empty(page.Descendants(Html + "img"));
        Assert.Equal(plain.Descendants(Html + "script").Single().Value, page.Descendants(Html + "script").Single().Value);
        Assert.All(page.Descendants(), element => Assert.Contains(plain.Descendants(), known => known.Name == element.Name));
        Assert.DoesNotContain('\u202e', html);
        Assert.DoesNotContain('\u001b', html);
    }

    [Fact]
    public void Verdicts_and_weights_that_differ_are_named()
    {
        (XDocument page, _) = Written(
            [.. Measured, Rows.Loaded("Mmap") with { HostName = "odd", WeightsDigest = new string('b', 64) }], []);
        string text = string.Join('\n', page.Descendants(Html + "p").Select(p => p.Value));

        Assert.Contains("ML7001: no room", text, StringComparison.Ordinal);
        Assert.Contains("THE WEIGHTS DIFFER", text, StringComparison.Ordinal);
        Assert.Contains("bbbbbbbbbbbbbbbb… in 1 row (Mmap to sim on odd)", text, StringComparison.Ordinal);
        Assert.Contains("No samples of Baseline", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_runs_are_their_median_and_spread()
    {
        ReportStrategy strategy = ReportGroup
            .Of(
                [.. new[] { 5, 1, 9, 7 }.Select((time, i) => Rows.Loaded("Meta", run: i + 1) with { ElapsedMicroseconds = time * 1000 })],
                [])
            .Single()
            .Strategies.Single();

        Assert.Equal(new Spread(1000, 6000, 9000), strategy.Of(row => row.ElapsedMicroseconds));
        Assert.Equal(1, strategy.Typical.Run);
        Assert.Equal("6.0 ms (1.0 ms to 9.0 ms)", Figures.Spread(strategy.Of(row => row.ElapsedMicroseconds), Figures.Time));
    }

    [Theory]
    [InlineData(new long[] { 4, 1 }, 2)]
    [InlineData(new long[] { 5, 1, 3 }, 3)]
    [InlineData(new long[] { 1, 2, 10, 40 }, 6)]
    [InlineData(new long[] { long.MaxValue, long.MaxValue - 2 }, long.MaxValue - 1)]
    public void The_median_of_an_even_number_is_the_mean_of_the_two_in_the_middle(long[] figures, long median) =>
        Assert.Equal(median, Spread.Of(figures.Select(figure => (long?)figure)).Median);

    [Fact]
    public void A_refusal_is_not_a_difference_from_the_forecast_and_the_words_are_explained()
    {
        LoadMeasurement[] rows = [Rows.Loaded("Meta"), Rows.Failed("Baseline", LoadOutcome.Refused, "ML7005: no room")];
        (XDocument page, string text) = Written(rows, []);

        Assert.Contains("1 of 1 load as forecast. 1 more load was refused before memory was allocated.", text, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Descendants(Html + "p"), paragraph => paragraph.Attribute("class")?.Value == "bad");
        Assert.Contains("to sim (a simulated accelerator) on host", text, StringComparison.Ordinal);
        string[] words = [.. page.Descendants(Html + "dt").Select(word => word.Value)];
        Assert.All(["as forecast", "refused", "host", "file-backed", "sim, simulated"], word => Assert.Contains(word, words));
        (page, _) = Written([Rows.Loaded("Meta") with { Device = "cpu" }], []);
        Assert.DoesNotContain("sim, simulated", page.Descendants(Html + "dt").Select(word => word.Value));
        (page, text) = Written([Rows.Loaded("Meta") with { PeakDeviceBytes = 1 }], []);
        Assert.Contains("0 of 1 load as forecast.", text, StringComparison.Ordinal);
        Assert.Contains(page.Descendants(Html + "p"), paragraph => paragraph.Attribute("class")?.Value == "bad");
    }

    [Fact]
    public void Commands_repeat_the_limits_of_the_rows()
    {
        LoadMeasurement row = Rows.Loaded("Meta") with
        {
            HostLimit = MemoryBudget.OwnLimit,
            HostBudgetBytes = 2048,
            DeviceBudgetBytes = 4096,
        };

        Assert.EndsWith("--device sim --host-memory-limit 2048 --device-memory-limit 4096", Command(row), StringComparison.Ordinal);
        Assert.EndsWith(
            "-Device sim -HostMemoryLimit 2048 -DeviceMemoryLimit 4096",
            ReportCommands.PowerShell(ReportGroup.Of([row], []).Single()),
            StringComparison.Ordinal);
        // A limit that is the free memory of the system is not repeated. The budget of a card can also be its free memory.
        Assert.EndsWith("--device cuda:0", Command(row with { HostLimit = "MemAvailable", Device = "cuda:0" }), StringComparison.Ordinal);

        static string Command(LoadMeasurement row) => ReportCommands.Shell(ReportGroup.Of([row], []).Single());
    }

    [Fact]
    public void Commands_are_safe_to_paste()
    {
        ReportGroup group = ReportGroup
            .Of([Rows.Loaded("Meta", run: 3) with { Path = "/tmp/it's; rm -rf $HOME.pth", Cache = "Cold" }], [])
            .Single();

        Assert.Equal(
            "memload measure --path '/tmp/it'\\''s; rm -rf $HOME.pth' --strategy Meta --device sim --cache Cold --repeat 3",
            ReportCommands.Shell(group));
        Assert.Equal(
            "Measure-LoadMemory -Path '/tmp/it''s; rm -rf $HOME.pth' -Strategy Meta -Device sim -Cache Cold -Repeat 3",
            ReportCommands.PowerShell(group));
    }

    [Fact]
    public void A_file_instead_of_the_folder_of_pictures_is_named()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("file", "mine");

        foreach (string pictures in new[] { file, Path.Combine(file, "below") })
        {
            MemLoadException refusal = Assert.Throws<MemLoadException>(
                () => LoadReport.Write([Rows.Loaded("Meta")], [], folder["r.html"], pictures));
            Assert.Equal("ML9103", refusal.Rule.Id);
            Assert.Equal("the target must be a folder, and a file with that name exists", refusal.Finding);
        }
        Assert.Equal(["file"], folder.Names);
    }

    [Fact]
    public void Pictures_are_also_files_and_existing_files_are_replaced_only_on_request()
    {
        using var folder = new TemporaryFolder();
        LoadMeasurement[] rows = [Rows.Loaded("Meta") with { HostName = "../../etc/pass wd" }];

        LoadReportInfo written = LoadReport.Write(rows, [Samples.Of(rows[0])], folder["r.html"], folder["pictures"]);
        MemLoadException page = Assert.Throws<MemLoadException>(() => LoadReport.Write(rows, [], folder["r.html"]));
        MemLoadException pictures = Assert.Throws<MemLoadException>(() => LoadReport.Write(rows, [], folder["s.html"], folder["pictures"]));

        Assert.Equal(3, written.PictureCount);
        Assert.Equal(["pictures", "r.html"], folder.Names);
        Assert.Equal(6, Directory.GetFiles(folder["pictures"]).Length);
        Assert.All(Directory.GetFiles(folder["pictures"], "*.svg"), file => XDocument.Load(file));
        Assert.Equal(("ML9102", "ML9102"), (page.Rule.Id, pictures.Rule.Id));
        Assert.Equal(
            "ML1008", Assert.Throws<MemLoadException>(() => LoadReport.Write(rows, [], folder["model.pth"], overwrite: true)).Rule.Id);
        Assert.Equal("ML8104", Assert.Throws<MemLoadException>(() => LoadReport.Write([], [], folder["t.html"])).Rule.Id);
    }

    [Fact]
    public void Bars_and_times_show_their_figures_at_the_pointer()
    {
        LoadMeasurement row = Rows.Loaded("Meta");
        LoadTimeline samples = Samples.Of(row, count: 1000);
        (XDocument page, _) = Written([row], [samples]);

        string[] hints = [.. page.Descendants(Svg + "rect").Select(rect => rect.Element(Svg + "title")?.Value).OfType<string>()];

        Assert.Contains("Meta, device: 3.00 GiB, forecast 3.00 GiB", hints);
        Assert.Contains("Meta, host: 5.0 MiB, forecast 5.0 MiB", hints);
        Assert.Contains(hints, hint => hint.StartsWith("Meta: 412 ms, 1.65 GB/s, forecast ", StringComparison.Ordinal));
        TimelinePoint highest = samples.Points[^1];
        Assert.Contains(
            $"{Figures.Time(highest.Microseconds)}: device {Figures.Bytes(highest.DeviceBytes)}, host",
            string.Join('\n', hints),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_are_compared_with_earlier_rows()
    {
        LoadMeasurement[] before =
        [
            Rows.Loaded("Stream"), Rows.Loaded("Meta"), Rows.Loaded("Mmap"), Rows.Loaded("Sequential"), Rows.Loaded("Baseline"),
            Rows.Loaded("PerTensor") with { HostName = "gone" }, Full("Auto"),
            Rows.Loaded("Stream") with { Model = "prod", Size = null, Path = "/srv/v1/a.safetensors" },
        ];
        LoadMeasurement[] now =
        [
            Rows.Loaded("Stream") with { ElapsedMicroseconds = 600_000 },
            Rows.Loaded("Meta") with { PeakHostBytes = 500L << 20 },
            Rows.Loaded("Mmap") with { ElapsedMicroseconds = 420_000, PeakHostBytes = 6L << 20 },
            Rows.Loaded("Sequential") with { ElapsedMicroseconds = 200_000 },
            Full("Baseline"),
            Rows.Loaded("PerTensor") with { HostName = "new" }, Rows.Loaded("Auto"),
            Rows.Loaded("Stream") with { Model = "prod", Size = null, Path = "/srv/v2/b.safetensors", WeightsDigest = new string('b', 64) },
        ];

        IReadOnlyList<RunChange> changes = RunChange.Of(now, before);

        Assert.Equal(
            [
                (ChangeKind.Worse, "Stream", "time 412 ms to 600 ms (+46 %)"),
                (ChangeKind.Worse, "Meta", "host 5.0 MiB to 500.0 MiB (+495.0 MiB)"),
                (ChangeKind.Worse, "Baseline", "as forecast before, out of memory now"),
                (ChangeKind.Worse, "Stream", "other weights"),
                (ChangeKind.Missing, "PerTensor", "only in the baseline"),
                (ChangeKind.Better, "Sequential", "time 412 ms to 200 ms (-51 %)"),
                (ChangeKind.Better, "Auto", "out of memory before, as forecast now"),
                (ChangeKind.New, "PerTensor", "not in the baseline"),
                (ChangeKind.Same, "Mmap", "the same"),
            ],
            changes.Select(change => (change.Kind, change.Name, change.Text)));
        Assert.All(RunChange.Of(before, before), change => Assert.Equal(ChangeKind.Same, change.Kind));
        // The reverse of a change is of the opposite kind, except that other weights are never better.
        Assert.Equal(3, RunChange.Of(before, now).Count(change => change.Kind == ChangeKind.Better));
        // Runs whose ranges overlap do not differ.
        LoadMeasurement[] noisy =
        [
            Rows.Loaded("Stream") with
            {
                ElapsedMicroseconds = 900_000,
            },
            Rows.Loaded("Stream", run: 2) with
            {
                ElapsedMicroseconds = 412_000,
            },
        ];
        Assert.Equal(ChangeKind.Same, Assert.Single(RunChange.Of(noisy, [before[0]])).Kind);

        static LoadMeasurement Full(string strategy) =>
            Rows.Failed(strategy, LoadOutcome.OutOfMemory, "ML7001: no room") with
            {
                Path = "/tmp/model.pth",
                Size = "gpt2-small",
                Cache = "AsIs",
            };
    }

    [Fact]
    public void Figures_of_any_size_are_compared()
    {
        (long Before, long Now)[] figures = [(-1, long.MaxValue), (long.MinValue, 0), (long.MinValue, long.MaxValue)];
        foreach ((long before, long now) in figures)
        {
            LoadMeasurement old = With(before);
            LoadMeasurement read = With(now) with { ForecastHostBytes = before, ForecastDeviceBytes = before };

            RunChange worse = Assert.Single(RunChange.Of([read], [old]));

            Assert.Equal(ChangeKind.Worse, worse.Kind);
            Assert.StartsWith("time ", worse.Text, StringComparison.Ordinal);
            Assert.All(["host ", "device "], figure => Assert.Contains(figure, worse.Text, StringComparison.Ordinal));
            Assert.DoesNotContain("-", worse.Text[worse.Text.LastIndexOf('(')..], StringComparison.Ordinal);
            Assert.Contains("+", read.Verdict, StringComparison.Ordinal);
            Assert.NotNull(RowVerdict.Deviation(read with { PeakDeviceBytes = before }));
            _ = Written([read], []);
        }

        static LoadMeasurement With(long figure) =>
            Rows.Loaded("Stream") with { ElapsedMicroseconds = figure, PeakHostBytes = figure, PeakDeviceBytes = figure };
    }

    [Fact]
    public void The_command_line_prints_how_many_loads_are_worse()
    {
        using var folder = new TemporaryFolder();
        LoadMeasurement row = Rows.Loaded("Stream");
        File.WriteAllText(folder["before.json"], RowJson(row));
        File.WriteAllText(folder["now.json"], RowJson(row with { PeakHostBytes = 1L << 30 }));

        CliRun report = CliRun.Of(
            "report", "--path", folder["now.json"], "--baseline-path", folder["before.json"], "--out", folder["r.html"]);
        CliRun metrics = CliRun.Of(
            "report", "--path", folder["now.json"], "--baseline-path", folder["before.json"], "--out", folder["r.prom"]);

        Assert.Equal((0, 2), (report.ExitCode, metrics.ExitCode));
        Assert.Contains("1 load worse than the baseline", report.Output, StringComparison.Ordinal);
        Assert.Contains("1 of 1 load is worse.", File.ReadAllText(folder["r.html"]), StringComparison.Ordinal);
    }

    private static string RowJson(LoadMeasurement row) => JsonSerializer.Serialize(row);

    [Fact]
    public void The_command_line_measures_keeps_the_samples_and_reports()
    {
        using var folder = new TemporaryFolder();
        CliRun measured = CliRun.Of(
            "measure",
            "--path",
            Fixtures.PathOf("tiny/fp32.pth"),
            "--in-process",
            "--device",
            "sim",
            "--timeline-path",
            folder["s.jsonl"],
            "--format",
            "csv");
        File.WriteAllText(folder["rows.csv"], measured.Output);

        CliRun report = CliRun.Of(
            "report",
            "--path",
            folder["rows.csv"],
            "--timeline-path",
            folder["s.jsonl"],
            "--out",
            folder["r.html"],
            "--picture-path",
            folder["p"]);

        Assert.Equal((0, 0), (measured.ExitCode, report.ExitCode));
        Assert.DoesNotContain("Microseconds\":[", measured.Output, StringComparison.Ordinal);
        Assert.Equal(6, TimelineFile.Read(folder["s.jsonl"]).Count);
        Assert.Contains("r.html: 6 rows, 8 pictures", report.Output, StringComparison.Ordinal);
        Assert.Equal(1, CliRun.Of("measure", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--timeline-path", folder["rows.csv"]).ExitCode);
        Assert.Equal(2, CliRun.Of("report", "--path", folder["rows.csv"]).ExitCode);
    }

    [Fact]
    public void Samples_without_a_row_are_counted()
    {
        using var folder = new TemporaryFolder();
        LoadMeasurement[] rows = [Rows.Loaded("Meta"), Rows.Loaded("Stream")];
        LoadTimeline[] samples = [Samples.Of(rows[0]), Samples.Of(Rows.Loaded("Mmap")), Samples.Of(rows[0] with { Run = 9 })];

        Assert.Equal(2, LoadReport.Write(rows, samples, folder["r.html"]).UnusedTimelineCount);
        Assert.Equal(0, LoadReport.Write(rows, [], folder["s.html"]).UnusedTimelineCount);
    }

    [Fact]
    public void If_all_samples_belong_to_other_loads_there_is_a_warning()
    {
        using var folder = new TemporaryFolder();
        string[] measure = ["measure", Fixtures.PathOf("tiny/fp32.pth"), "--in-process", "--device", "cpu", "--format", "csv"];
        File.WriteAllText(folder["a.csv"], CliRun.Of([.. measure, "--strategy", "Stream", "--timeline-path", folder["s.jsonl"]]).Output);
        File.WriteAllText(folder["b.csv"], CliRun.Of([.. measure, "--strategy", "Mmap"]).Output);
        CliRun Report(params string[] rows) => CliRun.Of(
            ["report", .. rows.Select(name => folder[name]), "--timeline-path", folder["s.jsonl"], "--out", folder["r.html"], "--force"]);

        Assert.Empty(Report("a.csv", "b.csv").Error);
        CliRun other = Report("b.csv");

        Assert.Equal(0, other.ExitCode);
        Assert.Contains("warning: the samples belong to other loads than the rows", other.Error, StringComparison.Ordinal);
        Assert.Contains(", 1 sampled load without a row", other.Output, StringComparison.Ordinal);
    }

    private static (XDocument Page, string Text) Written(IReadOnlyList<LoadMeasurement> rows, IReadOnlyList<LoadTimeline> timelines)
    {
        using var folder = new TemporaryFolder();
        LoadReportInfo written = LoadReport.Write(rows, timelines, folder["r.html"]);
        string text = File.ReadAllText(written.Path);
        Assert.Equal(written.FileBytes, new FileInfo(written.Path).Length);
        return (XDocument.Parse(text), text);
    }
}
