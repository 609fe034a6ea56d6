using System.Text.Json.Nodes;
using MemLoad.Tests.Cli;
using Xunit.Sdk;

namespace MemLoad.Tests.Docs;

public sealed class RowSchemaTests
{
    private static readonly string Tiny = Fixtures.PathOf("tiny/fp32.pth");

    [Fact]
    public void The_document_says_what_the_code_says()
    {
        string text = RowSchema.Text();
        if (Environment.GetEnvironmentVariable("MEMLOAD_UPDATE") == "1")
        {
            File.WriteAllText(RowSchema.Path, text);
        }
        Assert.Equal(text, File.ReadAllText(RowSchema.Path));
    }

    [Theory]
    [InlineData(0, "--device", "cpu,sim", "--strategy", "Baseline,Sequential,Meta,Mmap,PerTensor,Stream,Auto", "--model-name", "m")]
    [InlineData(0, "--device", "sim", "--strategy", "Stream", "--dtype", "float16", "--cache", "warm", "--repeat", "2")]
    [InlineData(0, "--device", "sim", "--strategy", "Mmap", "--rank", "1", "--rank-count", "2")]
    [InlineData(1, "--device", "cpu", "--strategy", "Baseline", "--host-memory-limit", "1")]
    [InlineData(1, "--device", "sim", "--strategy", "Meta", "--device-memory-limit", "1KB", "--force")]
    [InlineData(1, "--device", "sim", "--strategy", "Stream", "--fail-above", "time=0.000001")]
    public void Rows_of_every_kind_are_valid(int exitCode, params string[] options)
    {
        // The run validates its rows, as every test does that prints rows as JSON.
        CliRun run = CliRun.Of(["measure", Tiny, "--in-process", "--format", "json", .. options]);

        // On a slow computer, standard error says which load runs.
        Assert.Equal(exitCode, run.ExitCode);
        using var folder = new TemporaryFolder();
        Assert.NotEmpty(RowFile.Read(folder.Write("rows.json", run.Output)));
    }

    [Theory]
    [InlineData("Outcome", "\"Lost\"")]
    [InlineData("Status", "null")]
    [InlineData("PeakHostBytes", "\"5\"")]
    [InlineData("ModelBytes", "-1")]
    [InlineData("StartedAt", "\"yesterday\"")]
    [InlineData("WeightsDigest", "\"abc\"")]
    [InlineData("HostName", null)]
    public void Wrong_rows_are_not_valid(string column, string? value)
    {
        JsonObject row = JsonNode.Parse(CliRun.Of("measure", Tiny, "--in-process", "--format", "json", "--strategy", "Stream").Output)
            is JsonArray rows ? rows[0]!.AsObject() : throw new InvalidOperationException("no array");
        row.Remove(column);
        if (value is not null)
        {
            row[column] = JsonNode.Parse(value);
        }

        Assert.NotEmpty(RowSchema.ProblemsOf(row));
    }

    [Fact]
    public void Every_row_that_a_measurement_gives_is_compared_with_the_schema()
    {
        var request = new MeasureRequest(new LoadRequest { Path = Tiny, Strategy = Strategy.Mmap, Device = "cpu" });
        LoadMeasurement row = MeasuredLoad.Run(request);

        Assert.ThrowsAny<XunitException>(() => (row with { WeightsDigest = "abc" }).Judged(null, null));
    }

    [Theory]
    [InlineData("json")]
    [InlineData("csv")]
    public void Rows_that_a_program_prints_are_compared_with_the_schema(string format)
    {
        string[] args = ["measure", Tiny, "--in-process", "--format", format, "--strategy", "Mmap", "--device", "cpu"];
        string wrong = CliRun.Of(args).Output.Replace("Loaded", "Lost", StringComparison.Ordinal);

        Assert.ThrowsAny<Exception>(() => RowSchema.RequireValid(["dotnet", "memload.dll", .. args], wrong));
    }

    [Fact]
    public void Rows_of_the_version_without_a_schema_are_still_reported()
    {
        // The columns of version 0.1 in their order, as in a file that a user kept.
        const string Old =
            "Strategy,ChosenStrategy,Device,Outcome,Verdict,AsForecast,Path,Format,Size,DType,Rank,RankCount,TensorCount,ParameterCount,"
                + "ModelBytes,"
            + "FileBytes,PeakDeviceBytes,ForecastDeviceBytes,PeakHostBytes,PeakHostFileBytes,ForecastHostBytes,ElapsedMicroseconds,Cache,"
            + "Run,HostName,StartedAt,ModuleVersion\n"
            + "Meta,Meta,sim,Loaded,as "
            + "forecast,True,/m.pth,TorchZip,gpt2-small,,,,160,162000000,683000000,684000000,700,700,5,0,5,412345,AsIs,1,n1,"
            + "2026-01-02T03:04:05.000+00:00,0.1.0\n";
        using var folder = new TemporaryFolder();
        string csv = folder.Write("old.csv", Old);

        LoadMeasurement row = RowFile.Read(csv).Single();

        Assert.Equal((null, null, null), (row.SchemaVersion, row.Status, row.FileSystem));
        Assert.Equal(0, CliRun.Of("report", csv, "--out", folder["old.html"]).ExitCode);
        Assert.DoesNotContain("memload_load_status", LoadMetrics.Format([row]), StringComparison.Ordinal);
    }
}
