using MemLoad.Tests.Loading;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Cli;

/// <summary>
/// The whole program under limits of the process and without a folder to write to. Each case gives an error with an id and a remedy, or has
/// no effect.
/// </summary>
public sealed class ProcessLimitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void A_limit_on_the_size_of_files_is_an_error_on_the_simulated_device()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "memory files");
        var run = ProgramRun.Of(
            "ulimit -f 2000", [], "measure", "--path", Large(), "--device", "sim", "--strategy", "stream,mmap,baseline", "--in-process");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("ML7002", run.Output, StringComparison.Ordinal);
        Assert.Contains("ulimit -f", run.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_limit_on_the_size_of_files_is_an_error_of_a_manifest()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "ulimit");
        var source = new MemorySource();
        for (int i = 0; i < 4000; i++)
        {
            source.Add($"tensor-{i}", DType.Int8, 1);
        }
        CheckpointWriter.Write(source, _folder["x.safetensors"], CheckpointFormat.Safetensors);

        var run = ProgramRun.Of("ulimit -f 300", [], "manifest", "--path", _folder["x.safetensors"], "--out", _folder["m.json"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("ML9104", run.Error, StringComparison.Ordinal);
        Assert.Equal(["x.safetensors"], _folder.Names);
    }

    [SkippableFact]
    public void A_low_limit_on_open_files_refuses_Mmap_and_not_strategies_that_read()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "ulimit");
        using var shards = new ManyFilesTests.Shards();

        var mapped = ProgramRun.Of("ulimit -n 250", [], "measure", "--path", shards.Path, "--strategy", "mmap", "--in-process");
        var plan = ProgramRun.Of("ulimit -n 250", [], "plan", "--path", shards.Path, "--strategy", "mmap");
        var read = ProgramRun.Of(
            "ulimit -n 250", [], "measure", "--path", shards.Path, "--strategy", "stream,baseline,auto", "--in-process");

        Assert.Contains("ML1015", mapped.Output + mapped.Error, StringComparison.Ordinal);
        Assert.Contains("ML1015", plan.Output + plan.Error, StringComparison.Ordinal);
        Assert.Equal((1, 0), (mapped.ExitCode, read.ExitCode));
    }

    [SkippableTheory]
    [InlineData(100)]
    [InlineData(66)]
    [InlineData(60)]
    [InlineData(40)]
    public void With_very_few_open_files_an_error_has_an_id_and_a_remedy(int files)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "ulimit");
        using var shards = new ManyFilesTests.Shards();

        var run = ProgramRun.Of($"ulimit -n {files}", [], "measure", "--path", shards.Path, "--strategy", "stream", "--in-process");

        Assert.True(
            run.ExitCode == 0 || (run.Output + run.Error).Contains("ML1015", StringComparison.Ordinal) || IsRuntimes(run), run.ToString());

        // The runtime itself may not start.
        static bool IsRuntimes(ProgramRun run) =>
            run.ExitCode is > 127 or 1 && !run.Error.Contains("memload: error", StringComparison.Ordinal) && run.Output.Length == 0;
    }

    [SkippableFact]
    public void A_folder_of_many_files_is_written_with_few_open_files()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "ulimit");
        using var shards = new ManyFilesTests.Shards();

        var run = ProgramRun.Of("ulimit -n 90", [], "convert", "--path", shards.Path, "--out", _folder["out"], "--to", "folder");

        Assert.True(run.ExitCode == 0, run.ToString());
    }

    // No file can be written, as with a read-only root file system.
    [SkippableFact]
    public void Auto_chooses_although_no_file_can_be_written()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "ulimit");
        string path = Large();

        var run = ProgramRun.Of(
            "ulimit -f 1",
            [("MEMLOAD_CACHE", "/proc/nowhere")],
            "measure",
            "--path",
            path,
            "--device",
            "cpu",
            "--strategy",
            "auto",
            "--in-process",
            "--format",
            "json");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("\"Loaded\"", run.Output, StringComparison.Ordinal);
        Assert.Contains("another machine", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"Nanoseconds\": null")]
    [InlineData("\"HostName\": null")]
    [InlineData("\"MeasuredAt\": \"0001-01-01T00:00:00+14:00\"")]
    public void An_invalid_speed_file_is_measured_again(string field)
    {
        string cache = Directory.CreateDirectory(_folder["cache"]).FullName;
        MachineSpeed speed = MachineSpeed.Ensure("cpu", null);
        string name = Path.GetFileName(MachineSpeed.PathFor("cpu"));
        string whole = System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, object?>
        {
            ["Device"] = "cpu",
            ["HostName"] = speed.HostName,
            ["ProcessorName"] = speed.ProcessorName,
            ["ModuleVersion"] = speed.ModuleVersion,
            ["MeasuredAt"] = speed.MeasuredAt,
            ["Nanoseconds"] = speed.Nanoseconds,
        });
        string property = field.Split(':')[0];
        string text = System.Text.RegularExpressions.Regex.Replace(whole, property + ":(\\{[^}]*\\}|\"[^\"]*\"|[^,}]*)", field);
        File.WriteAllText(Path.Combine(cache, name), text);

        var run = ProgramRun.Of([("MEMLOAD_CACHE", cache)], "measure", "--path", Large(), "--strategy", "auto", "--in-process");

        Assert.True(run.ExitCode == 0, run.ToString());
    }

    [SkippableFact]
    public async Task A_pipe_instead_of_the_speed_file_does_not_block()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "pipes with names");
        string cache = Directory.CreateDirectory(_folder["cache"]).FullName;
        Assert.Equal(0, EndedProcess.Run("mkfifo", Path.Combine(cache, Path.GetFileName(MachineSpeed.PathFor("cpu")))).ExitCode);

        ProgramRun run = await Task.Run(() =>
                ProgramRun.Of([("MEMLOAD_CACHE", cache)], "measure", "--path", Large(), "--strategy", "auto", "--in-process"))
            .WaitAsync(TimeSpan.FromMinutes(5));

        Assert.True(run.ExitCode == 0, run.ToString());
    }

    [SkippableFact]
    public void Rows_are_printed_although_their_samples_cannot_be_written()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "ulimit");
        string[] first =
        [
            "measure",
            "--path",
            Large(),
            "--device",
            "cpu",
            "--strategy",
            "stream",
            "--in-process",
            "--timeline-path",
            _folder["samples.jsonl"],
        ];
        Assert.Equal(0, ProgramRun.Of([], first).ExitCode);
        // The length exceeds the limit, so that nothing can be appended.
        string line = File.ReadAllText(_folder["samples.jsonl"]);
        string before = string.Concat(Enumerable.Repeat(line, (4096 / line.Length) + 1));
        _folder.Write("samples.jsonl", before);

        var run = ProgramRun.Of(
            "ulimit -f 1",
            [],
            "measure",
            "--path",
            Large(),
            "--device",
            "cpu",
            "--strategy",
            "stream",
            "--in-process",
            "--format",
            "json",
            "--timeline-path",
            _folder["samples.jsonl"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("\"Loaded\"", run.Output, StringComparison.Ordinal);
        Assert.Contains("ML9104", run.Error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(_folder["samples.jsonl"]));
    }

    private string Large()
    {
        if (!File.Exists(_folder["large.safetensors"]))
        {
            CheckpointWriter.Write(
                new MemorySource().Add("a", DType.Float32, 1 << 20), _folder["large.safetensors"], CheckpointFormat.Safetensors);
        }
        return _folder["large.safetensors"];
    }
}
