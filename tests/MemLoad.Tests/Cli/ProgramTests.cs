using System.Diagnostics;
using System.Text.Json;

namespace MemLoad.Tests.Cli;

/// <summary>The program itself, as a shell starts it.</summary>
public sealed class ProgramTests
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "memload.dll");

    [Fact]
    public async Task Measure_runs_all_six_strategies_in_separate_processes_and_the_digests_agree()
    {
        using Process program = Start("measure", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--format", "json");
        Task<string> error = program.StandardError.ReadToEndAsync();
        JsonElement[] rows = [.. JsonDocument.Parse(await program.StandardOutput.ReadToEndAsync()).RootElement.EnumerateArray()];
        await program.WaitForExitAsync();

        Assert.Equal(0, program.ExitCode);
        Assert.DoesNotContain("error", await error, StringComparison.Ordinal); // on a busy machine it can show the work in progress
        Assert.Equal(Strategies.All.Select(strategy => strategy.ToString()), rows.Select(row => row.GetProperty("Strategy").GetString()));
        Assert.All(rows, row => Assert.Equal("Loaded", row.GetProperty("Outcome").GetString()));
        Assert.Single(rows.Select(row => row.GetProperty("WeightsDigest").GetString()).Distinct());
        Assert.All(rows, row =>
            Assert.Equal(row.GetProperty("ForecastDeviceBytes").GetInt64(), row.GetProperty("PeakDeviceBytes").GetInt64()));
    }

    [SkippableFact]
    public async Task An_interrupted_command_prints_its_rows_and_ends()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "sends a signal and reads /proc");
        using Process program = Start(
            "measure", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--strategy", "Stream", "--repeat", "10000", "--format", "json");
        Task<string> output = program.StandardOutput.ReadToEndAsync();
        Task<string> error = program.StandardError.ReadToEndAsync();
        for (int i = 0; i < 3000 && !HasChild(program); i++)
        {
            await Task.Delay(20); // until it measures
        }

        // The effect of Ctrl-C, with the signal that background jobs of a shell do not ignore.
        Assert.Equal(0, EndedProcess.Run("kill", "-TERM", $"{program.Id}").ExitCode);

        // The program ends within a second. The rest of the limit is for a busy machine. Without the signal it would run for an hour.
        Assert.True(program.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.Equal(130, program.ExitCode);
        Assert.Equal("memload: interrupted", (await error).Trim().Split('\n')[^1]);
        JsonElement[] rows = [.. JsonDocument.Parse(await output).RootElement.EnumerateArray()];
        Assert.All(rows.SkipLast(1), row => Assert.Equal("Loaded", row.GetProperty("Outcome").GetString()));
        // If no child is running at that moment, there is no load to cancel.
        Assert.Contains(rows[^1].GetProperty("Outcome").GetString(), new[] { "Canceled", "Loaded" });
    }

    [SkippableFact]
    public void A_removed_current_folder_is_no_error_or_an_error_with_an_id()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "programs are measured on Linux");
        using var folder = new TemporaryFolder();
        string gone = $"mkdir '{folder["gone"]}'; cd '{folder["gone"]}'; rmdir '{folder["gone"]}'";
        string path = Fixtures.PathOf("tiny/fp32.pth");

        ProgramRun run = ProgramRun.Of(gone, [], "measure", "--format", "json", "--", "true");
        ProgramRun relative = ProgramRun.Of(gone, [], "measure", "--", "./true");
        ProgramRun manifest = ProgramRun.Of(gone, [], "measure", path, "--strategy", "Stream", "--manifest", "a.manifest.json");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal((1, 1), (relative.ExitCode, manifest.ExitCode));
        Assert.StartsWith("memload: error ML8016: ", relative.Error, StringComparison.Ordinal);
        Assert.StartsWith("memload: error ML1001: ", manifest.Error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(12)]
    public void Help_is_shown_on_a_narrow_terminal(int columns)
    {
        Skip.IfNot(OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "needs a terminal (script of util-linux)");
        var run = EndedProcess.Run("/usr/bin/script", "-qec", $"stty cols {columns}; dotnet '{Program}' plan --help", "/dev/null");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_reader_that_closes_the_pipe_early_is_not_an_error()
    {
        Skip.If(OperatingSystem.IsWindows(), "needs a shell");
        var shell = EndedProcess.Run(
            "/bin/sh",
            "-c",
            "{ dotnet \"$0\" inspect --path \"$1\" --format json; echo \"exit $?\" >&2; } | head -n 1",
            Program,
            Fixtures.PathOf("tiny/fp32.pth"));

        Assert.Equal("{", shell.Output.Trim());
        Assert.Equal("exit 0", shell.Error.Trim());
    }

    [SkippableFact]
    public void A_full_disk_under_the_output_is_an_error()
    {
        Skip.IfNot(File.Exists("/dev/full"), "needs /dev/full");
        var shell = EndedProcess.Run(
            "/bin/sh", "-c", "dotnet \"$0\" inspect --path \"$1\" --format json > /dev/full", Program, Fixtures.PathOf("tiny/fp32.pth"));

        Assert.Equal(1, shell.ExitCode);
        Assert.Matches(
            "^memload: error ML9902: .* No space left on device",
            Assert.Single(shell.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    // Every command runs on its own files with standard output or standard error closed or full. Its files are complete, its message is one
    // line, and the exit code shows the failure.
    [SkippableTheory]
    [InlineData(">&-", 1, true)]
    [InlineData(">/dev/full", 1, true)]
    [InlineData("2>/dev/full", 0, false)]
    [InlineData("<&- >&- 2>&-", 1, false)]
    public void Output_that_cannot_be_written_is_an_exit_code_and_a_line(string streams, int expected, bool told)
    {
        Skip.IfNot(File.Exists("/dev/full"), "needs /dev/full");
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.PathOf("tiny/fp32.pth"), folder["m.pth"]);
        File.WriteAllText(
            folder["rows.csv"], CliRun.Of("measure", folder["m.pth"], "--strategy", "Stream", "--in-process", "--format", "csv").Output);
        string[] commands =
        [
            // Commands that only print have no other output.
            .. told ? (string[])["--help", "--version", "runtime", "inspect m.pth", "plan m.pth", "test m.pth"] : ["inspect m.pth"],
            "manifest m.pth",
            "convert m.pth --out c.safetensors",
            "new --vocab 8 --context 4 --emb 4 --layers 1 --heads 1 --out n.pth",
            "invoke m.pth --token-ids 1,2 --heads 2",
            "report rows.csv --out r.html",
            "measure m.pth --strategy Stream --timeline-path t.jsonl",
        ];
        string[] lines =
        [
            .. commands.Select(
                (command, i) =>
                    $"dotnet \"$0\" {command} {(told ? "2>err" : "2>&2")} {streams}; echo \"$?:{command}:$(cat err 2>/dev/null)\" "
                        + $">>codes; : >err"),
        ];
        var shell = EndedProcess.Run(
            new ProcessStartInfo("/bin/sh", ["-c", string.Join('\n', lines), Program]) { WorkingDirectory = folder.Path });

        string codes = File.ReadAllText(folder["codes"]);
        Assert.All(commands, command => Assert.Contains(
            told ? $"{expected}:{command}:memload: error ML9902: " : $"{expected}:{command}:", codes, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", codes + shell.Error, StringComparison.Ordinal);
        foreach (string file in (string[])["m.manifest.json", "c.safetensors", "n.pth", "r.html", "t.jsonl"])
        {
            Assert.True(new FileInfo(folder[file]).Length > 0, file);
        }
        Assert.Equal(0, CliRun.Of("test", folder["c.safetensors"], "--deep", "--manifest", folder["m.manifest.json"]).ExitCode);
    }

    [SkippableFact]
    public void The_measured_child_loads_neither_the_command_line_parser_nor_the_tables()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "reads /proc");
        using Process worker = Start("worker");
        string maps = "";
        for (int i = 0; i < 200 && !maps.Contains("MemLoad.Core.dll", StringComparison.Ordinal); i++)
        {
            Thread.Sleep(25);
            maps = File.ReadAllText($"/proc/{worker.Id}/maps");
        }
        Thread.Sleep(100);
        maps = File.ReadAllText($"/proc/{worker.Id}/maps");
        worker.StandardInput.Close();
        worker.WaitForExit();

        Assert.Contains("MemLoad.Core.dll", maps, StringComparison.Ordinal);
        Assert.DoesNotContain("System.CommandLine.dll", maps, StringComparison.Ordinal);
        Assert.DoesNotContain("Spectre.Console.dll", maps, StringComparison.Ordinal);
        Assert.Equal(2, worker.ExitCode);
    }

    private static bool HasChild(Process process) =>
        Directory.EnumerateDirectories($"/proc/{process.Id}/task").Any(task => File.ReadAllText($"{task}/children").Length > 0);

    private static Process Start(params string[] args) => Process.Start(new ProcessStartInfo("dotnet", [Program, .. args])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
