using System.Text;
using System.Text.Json;
using MemLoad.Tests.Checkpoints;
using MemLoad.Tests.Cli;
using MemLoad.Tests.Corpus;
using MemLoad.Tests.Errors;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Doors;

/// <summary>
/// One hostile text in all content and all names of files. No output has a hidden character or a forged line, and every line has a bounded
/// length. tests/Pester/HostileText.Tests.ps1 tests the outputs of the module.
/// </summary>
public sealed class HostileTextTests : IDisposable
{
    // The text that is allowed in names of tensors has no control character except a tab.
    private const string Invisible = "=\t\u061c\u00ad\u2060\u202e\u2066\ufeff\u3164\ufe0f\U000E0041\ue000";

    // This text also has control characters, for metadata and for refused content.
    private const string Hostile =
        Invisible + "\u001b]0;PWNED\u0007\u001b[31mRED\u001b[2J\u009b31m\u0085\u2028\r\nML0000: fake line\n\u007f";

    // As the name of a file, the text has no slash, no NUL, and at most 255 bytes. Windows allows neither a colon nor the control
    // characters of ASCII.
    private static readonly string HostileName = OperatingSystem.IsWindows()
        ? "=\u202e\u061c\u009b1m\u0085\u2028ML0000 fake"
        : "=\u202e\u061c\u001b]0;P\u0007\u001b[2J\u009b1m\nML0000: fake";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("table")]
    [InlineData("csv")]
    [InlineData("json")]
    public void Hostile_names_and_metadata_of_tensors_are_printed_safely(string format)
    {
        string weights = Weights(_folder.Path, $"{HostileName}.safetensors");
        string manifest = Path.Combine(_folder.Path, $"{HostileName}.manifest.json");

        CliRun inspect = Safe(0, "inspect", "--path", weights, "--hash", "--format", format);
        Safe(0, "manifest", "--path", weights, "--out", manifest, "--format", format);
        Safe(0, "test", "--path", weights, "--deep", "--manifest", manifest, "--format", format);
        Safe(0, "plan", "--path", weights, "--strategy", "Stream", "--device", "sim", "--format", format);
        Safe(0, "plan", "--path", weights, "--strategy", "Stream", "--device", "sim", "--detailed", "--format", format);
        Safe(0, "measure", "--path", weights, "--strategy", "Stream", "--device", "cpu", "--in-process", "--format", format);
        Safe(0, "convert", "--path", weights, "--out", Path.Combine(_folder.Path, $"{HostileName}.pth"), "--format", format);
        Safe(
            1,
            "measure",
            "--path",
            weights,
            "--size",
            "gpt2-small",
            "--strategy",
            "Stream",
            "--device",
            "cpu",
            "--in-process",
            "--format",
            format);

        // The data is not changed: escaped text can be restored.
        string name = format switch
        {
            "json" => JsonDocument.Parse(inspect.Output).RootElement.GetProperty("Tensors")[0].GetProperty("Name").GetString()!,
            "csv" => CsvCell.Read(CsvReader.Read(inspect.Output, "").ElementAt(1).Fields[0]),
            _ => Invisible,
        };
        Assert.Equal(Invisible, name);
    }

    [Fact]
    public void Files_that_MemLoad_writes_have_no_hidden_characters()
    {
        string weights = Weights(_folder.Path, $"{HostileName}.safetensors");
        string manifest = Path.Combine(_folder.Path, "m.manifest.json");
        Safe(0, "manifest", "--path", weights, "--out", manifest);
        Assert.True(IsSafe(File.ReadAllText(manifest)));
        Assert.Equal(Invisible, WeightManifest.Read(manifest).Tensors.Single(tensor => tensor.Name.StartsWith('=')).Name);

        LoadMeasurement row = Rows.Loaded(Hostile) with
        {
            Device = Hostile,
            Path = Hostile,
            Format = Hostile,
            Size = null,
            DType = Hostile,
            HostName = Hostile,
            ProcessorName = Hostile,
            HostLimit = Hostile,
            Note = Hostile,
            Message = Hostile,
            WeightsDigest = Hostile,
            Outcome = Hostile,
            ModuleVersion = Hostile,
            Cache = Hostile,
        };
        string rows = Path.Combine(_folder.Path, "rows.csv");
        File.WriteAllText(
            rows,
            Rows.Print(console =>
                MemLoad.Cli.CsvWriter.Write([row, Rows.Loaded("Stream")], MemLoad.Cli.JsonOutput.Types.LoadMeasurement, console.Out)));
        Assert.True(IsSafe(File.ReadAllText(rows)));
        Assert.Equal(row, RowFile.Read(rows)[0]);

        string samples = Path.Combine(_folder.Path, "samples.jsonl");
        TimelineFile.Append(samples,
        [
            new LoadTimeline
            {
                Strategy = row.Strategy, Device = row.Device, Run = row.Run, HostName = row.HostName, StartedAt = row.StartedAt,
                Points = [.. Enumerable.Range(0, 3).Select(i => new TimelinePoint(i * 1000, 1 << 20, 0, 0, 1 << 20, 0, 0, Hostile))],
            },
        ]);
        Assert.True(IsSafe(File.ReadAllText(samples)));
        Assert.True(Assert.Single(TimelineFile.Read(samples)).IsOf(row));

        string page = Path.Combine(_folder.Path, $"{HostileName}.html");
        string pictures = Path.Combine(_folder.Path, "pictures");
        Safe(0, "report", "--path", rows, "--timeline-path", samples, "--out", page, "--picture-path", pictures);
        Assert.All([page, .. Directory.GetFiles(pictures, "*.svg")], file => Assert.True(IsSafe(File.ReadAllText(file)), file));
        Assert.All(Directory.GetFiles(pictures), file => Assert.True(PrintableTests.IsSafe(file)));
    }

    public static TheoryData<string> Refusals => [.. Refused.Keys];

    // The refusals, by file, content and the text in it.
    private static Dictionary<string, (string File, byte[] Content)> Refused { get; } =
        new(StringComparer.Ordinal)
        {
            ["safetensors: a word that is none"] = ("x.safetensors", CheckpointKit.Safetensors($$$$"""{"a":t{{{{Hostile}}}}}""")),
            ["safetensors: a string with raw control characters"] = (
                "x.safetensors",
                CheckpointKit.Safetensors($$$$"""{"{{{{Hostile}}}}":1}""")),
            ["safetensors: a tensor's name"] = (
                "x.safetensors",
                CheckpointKit.Safetensors($$$$"""{{{{{Json(Hostile)}}}}:{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""")),
            ["safetensors: a dtype"] = (
                "x.safetensors",
                CheckpointKit.Safetensors($$$$"""{"a":{"dtype":{{{{Json(Hostile)}}}},"shape":[0],"data_offsets":[0,0]}}""")),
            ["safetensors: a field"] = ("x.safetensors", CheckpointKit.Safetensors($$$$"""{"a":{{{{{Json(Hostile)}}}}:1}}""")),
            ["safetensors: a name twice"] = (
                "x.safetensors",
                CheckpointKit.Safetensors(
                    $$$$"""{"__metadata__":{{{{{Json(Hostile)}}}}:"","{{{{"\\u003d"}}}}{{{{Json(Hostile)[2..]}}}}:""}}"""
                )),
            ["safetensors: a key of metadata"] = (
                "x.safetensors",
                CheckpointKit.Safetensors($$$$"""{"__metadata__":{{{{{Json(Hostile)}}}}:1}}""")),
            ["index: a word that is none"] = ("x.index.json", Bytes($$$$"""{"metadata":n{{{{"\u001b]0;PWNED\u0007\nML0000: fake"}}}}}""")),
            ["index: a shard"] = (
                "x.index.json",
                Encoding.UTF8.GetBytes($$$$"""{"weight_map":{{{{{Json(Hostile)}}}}:{{{{Json(Hostile)}}}}}}""")),
            ["index: a shard that is not there"] = (
                "x.index.json",
                Encoding.UTF8.GetBytes(
                    $$$$"""{"weight_map":{{{{{Json(Hostile)}}}}:{{{{Json(Invisible.Replace("\t", "", StringComparison.Ordinal))}}}}}}"""
                )),
            ["pickle: a name"] = ("x.pth", ZipForge.Torch(pickle: Whole(StackGlobal(Hostile, Hostile), EmptyTuple, Reduce))),
            ["pickle: a tensor's name"] = ("x.pth", ZipForge.Torch(pickle: Whole(StateDict(name: Hostile)))),
            ["pickle: a storage's key"] = ("x.pth", ZipForge.Torch(pickle: Whole(StateDict(Tensor(Storage(key: Hostile)))))),
            ["zip: a record's name"] = ("x.pth", Zip(Hostile)),
            ["zip: a record's name outside the folder"] = ("x.pth", Zip("=\u3164\ue000")),
        };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_refusal_is_one_safe_line(string what)
    {
        (string file, byte[] content) = Refused[what];
        // The folder and the name have the hostile text, too.
        string folder = Directory.CreateDirectory(Path.Combine(_folder.Path, HostileName)).FullName;
        string path = Path.Combine(folder, HostileName + file);
        File.WriteAllBytes(path, content);

        CliRun run = Safe(1, "inspect", "--path", path);
        Assert.Single(run.ErrorLines);
        Safe(1, "test", "--path", path);
        Safe(1, "test", "--path", path, "--format", "csv");
        Safe(1, "test", "--path", folder);
        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(path));
        for (Exception? inner = refusal; inner is not null; inner = inner.InnerException)
        {
            Assert.True(PrintableTests.IsSafe(inner.Message), inner.Message);
        }
    }

    public static TheoryData<string> OtherFiles =>
        ["rows.csv", "rows.json", "literal.json", "samples.jsonl", "x.manifest.json", "literal.manifest.json"];

    [Theory]
    [MemberData(nameof(OtherFiles))]
    public void The_refusal_of_rows_samples_and_manifests_is_one_safe_line(string name)
    {
        string text = name switch
        {
            "rows.csv" => $"Strategy,Run,\"{Hostile}\",\"{Hostile}\"\n",
            "rows.json" => $$$$"""[{"Run":{{{{Json(Hostile)}}}},"Strategy":{{{{Json(Hostile)}}}}}]""",
            "literal.json" => $$$$"""[{"Run":t{{{{Hostile}}}}}]""",
            "samples.jsonl" => $$$$"""{{{{{Json(Hostile)}}}}:1}""",
            "x.manifest.json" => $$$$"""{{{{{Json(Hostile)}}}}:1}""",
            _ => $$$$"""{"Tensors":f{{{{Hostile}}}}}""",
        };
        string path = Path.Combine(_folder.Path, HostileName + name);
        File.WriteAllText(path, text);
        string weights = Weights(_folder.Path, "w.safetensors");

        CliRun run = name switch
        {
            "samples.jsonl" => Safe(
                1,
                "measure",
                "--path",
                weights,
                "--strategy",
                "Stream",
                "--device",
                "cpu",
                "--in-process",
                "--timeline-path",
                path),
            _ when name.EndsWith(".manifest.json", StringComparison.Ordinal) => Safe(1, "test", "--path", weights, "--manifest", path),
            _ => Safe(1, "report", "--path", path, "--out", Path.Combine(_folder.Path, "r.html")),
        };
        Assert.Single(run.ErrorLines);
    }

    [Fact]
    public void Hostile_arguments_and_names_of_folders_and_files_are_printed_safely()
    {
        Safe(2, "inspect", "--path", "x", "--format", Hostile);
        Safe(2, Hostile);
        Safe(2, "inspect", "--" + Hostile);
        Safe(1, "inspect", "--path", Path.Combine(_folder.Path, HostileName));
        Safe(1, "inspect", "--path", Weights(_folder.Path, "w.safetensors"), "--key", Hostile);
        string folder = Directory.CreateDirectory(Path.Combine(_folder.Path, HostileName)).FullName;
        Safe(1, "inspect", "--path", folder);
        File.WriteAllBytes(Path.Combine(folder, HostileName + ".pt"), ZipForge.Torch(pickle: Whole(Tensor())));
        Weights(folder, HostileName + ".safetensors");
        Safe(1, "inspect", "--path", folder);
        Safe(1, "convert", "--path", Weights(_folder.Path, "w.safetensors"), "--out", folder);
        File.WriteAllText(Path.Combine(folder, HostileName + ".index.json"), "{}");
        File.WriteAllText(Path.Combine(folder, HostileName + "2.index.json"), "{}");
        Safe(1, "inspect", "--path", folder);
    }

    [Fact]
    public void A_header_of_50_MB_makes_a_short_message_in_the_memory_that_headers_may_take()
    {
        const int length = 50_000_000;
        byte[] header = [.. """{"a":t"""u8, .. Enumerable.Repeat((byte)0x1b, length), (byte)'}'];
        string path = Path.Combine(_folder.Path, "x.safetensors");
        File.WriteAllBytes(path, CheckpointKit.Safetensors(header));
        long before = GC.GetAllocatedBytesForCurrentThread();

        MemLoadException refusal = CheckpointKit.Refusal(path);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (16 << 20) + (2L * length));
        Assert.Equal("ML4004", refusal.Rule.Id);
    }

    // The command line ends with the expected exit code, and its output is safe. The only line breaks are those between its lines.
    private static CliRun Safe(int code, params string[] args)
    {
        var run = CliRun.Of(args);
        string all = run.Output + run.Error;
        Assert.True(run.ExitCode == code, $"{run.ExitCode}: {run.Error}");
        Assert.True(IsSafe(all), all);
        Assert.All(all.Split('\n'), line => Assert.False(line.TrimStart().StartsWith("ML0000", StringComparison.Ordinal)));
        Assert.All(run.ErrorLines, line => Assert.InRange(line.Length, 1, 12_000));
        return run;
    }

    private static bool IsSafe(string lines) =>
        PrintableTests.IsSafe(lines.Replace("\r\n", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal));

    private static string Json(string text) => JsonSerializer.Serialize(text);

    private static byte[] Zip(string record)
    {
        byte[] name = Encoding.UTF8.GetBytes(record);
        return ZipForge.Torch(zip => zip.Add("x", []).Name = name);
    }

    private static string Weights(string folder, string name)
    {
        string header =
            $$$$"""
            {"__metadata__":{{{{{Json(Hostile)}}}}:{{{{Json(Hostile)}}}}},
            {{{{Json(Invisible)}}}}:{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
            "{{{{new string('n', 4000)}}}}":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}
            """;
        string path = Path.Combine(folder, name);
        File.WriteAllBytes(path, CheckpointKit.Safetensors(header, 8));
        return path;
    }
}
