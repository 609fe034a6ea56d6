using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Measurement;

/// <summary>
/// Programs with known memory. dd has one buffer of a given size. A forked child shares all pages with its parent until it writes.
/// </summary>
public sealed class ProgramMeasurerTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task The_peak_of_one_process_is_that_of_its_buffer()
    {
        LoadMeasurement row = await Measure("dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=16");

        Assert.Equal((nameof(LoadOutcome.Loaded), "measured", null), (row.Outcome, row.Verdict, row.AsForecast));
        Assert.InRange(row.PeakHostBytes!.Value, 64 * MiB, 65 * MiB);
        Assert.InRange(row.PeakHostFileBytes!.Value, 0, 8 * MiB);
        Assert.Equal("cpu", row.Device);
        Assert.Null(row.ForecastHostBytes);
    }

    [SkippableFact]
    public async Task Processes_that_run_at_the_same_time_are_added_up_and_earlier_processes_are_not()
    {
        // The buffers of a group exist at the same time. Those of the first group are freed before the second group begins.
        const string group = "for i in 1 2 3; do dd if=/dev/zero of=/dev/null bs=48M count=120 2>/dev/null & done; wait";

        LoadMeasurement row = await Measure("sh", "-c", $"{group}; {group}");

        Assert.InRange(row.PeakHostBytes!.Value, 3 * 48 * MiB, (3 * 48 * MiB) + (3 * MiB));
    }

    [SkippableFact]
    public async Task Children_that_end_soon_count_and_do_not_count_twice()
    {
        LoadMeasurement row = await Measure(
            "sh", "-c", "i=0; while [ $i -lt 8 ]; do dd if=/dev/zero of=/dev/null bs=32M count=40 2>/dev/null; i=$((i+1)); done");

        Assert.InRange(row.PeakHostBytes!.Value, 32 * MiB, 34 * MiB);
    }

    [SkippableFact]
    public async Task Memory_that_twenty_forked_processes_share_counts_once()
    {
        Skip.IfNot(File.Exists("/usr/bin/perl"), "there is no perl");
        // Each child waits immediately and writes to few pages.
        const string script =
            "my $x = 'a' x (96 * 1024 * 1024); my @c; for (1..20) { my $p = fork; if (!$p) { sleep 1; exec 'true'; } push @c, $p; } "
                + "waitpid($_, 0) for @c;";

        LoadMeasurement row = await Measure("perl", "-e", script);

        // The text can be in memory twice: as a constant of the program and in the variable. It is never in memory forty times.
        Assert.InRange(row.PeakHostBytes!.Value, 96 * MiB, (2 * 96 * MiB) + (40 * MiB));
    }

    [SkippableFact]
    public async Task A_process_whose_parent_has_ended_still_belongs_to_the_program()
    {
        // The parent exists long enough for a sample with its child.
        string done = _folder["done"];
        LoadMeasurement row = await Measure(
            "sh",
            "-c",
            $"(sh -c 'dd if=/dev/zero of=/dev/null bs=64M count=200 2>/dev/null; touch \"{done}\"' & sleep 1) ; while [ ! -e '{done}' ]; "
                + $"do sleep 0.05; done");

        Assert.InRange(row.PeakHostBytes!.Value, 64 * MiB, 68 * MiB);
    }

    [SkippableFact]
    public async Task A_failed_program_is_a_row_with_its_code_and_its_last_line_and_a_killed_program_with_its_signal()
    {
        LoadMeasurement failed = await Measure("sh", "-c", "echo one >&2; echo 'no\tweights \u001b[2J here' >&2; exit 3");
        LoadMeasurement killed = await Measure("sh", "-c", "kill -9 $$");

        Assert.Equal(nameof(LoadOutcome.Failed), failed.Outcome);
        Assert.StartsWith("ML8016: the program ended with code 3: no", failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', failed.Message!);
        Assert.Equal(
            (nameof(LoadOutcome.Killed), "ML8012: the program was ended by signal 9 (SIGKILL)"), (killed.Outcome, killed.Message![..51]));
    }

    [SkippableFact]
    public async Task A_program_that_cannot_be_started_is_an_error_and_the_current_folder_is_not_searched()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other programs are measured on Linux");
        File.WriteAllText(_folder["planted"], "#!/bin/sh\n");
        var planted = new ProgramRequest("planted", []) { Folder = _folder.Path };

        foreach (
            ProgramRequest request in (ProgramRequest[])[new("no-such-program", []), new("/etc/passwd", []), new("./nowhere", []), planted])
        {
            MemLoadException refusal = await Assert.ThrowsAsync<MemLoadException>(() => new ProgramMeasurer().MeasureAsync(request));
            Assert.Equal("ML8016", refusal.Rule.Id);
        }
    }

    [SkippableFact]
    public async Task Canceling_kills_the_program_and_what_it_has_started()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other programs are measured on Linux");
        using var cancel = new CancellationTokenSource();
        string ready = _folder["child"];
        var measurer = new ProgramMeasurer(line =>
        {
            File.WriteAllText(ready, line);
            cancel.Cancel();
        });

        LoadMeasurement row = await measurer.MeasureAsync(new ProgramRequest("sh", ["-c", "sleep 600 & echo $!; wait"]), cancel.Token);

        Assert.Equal(nameof(LoadOutcome.Canceled), row.Outcome);
        await RequireEnded(File.ReadAllText(ready).Trim());
    }

    [SkippableFact]
    public async Task Canceling_kills_a_process_whose_parent_has_ended()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other programs are measured on Linux");
        using var cancel = new CancellationTokenSource();
        string ready = _folder["orphan"];
        string program = "";
        var measurer = new ProgramMeasurer(
            line =>
            {
                File.WriteAllText(ready, line);
                SpinWait.SpinUntil(() => !Lives(program));
                cancel.Cancel();
            },
            started: id => program = $"{id}");

        // The orphan has the output of the program open. It writes a file if it is not killed.
        LoadMeasurement row = await measurer.MeasureAsync(
            new ProgramRequest("sh", ["-c", "(sleep 60; touch \"$0\") & sleep 0.2; echo $!", _folder["late"]]), cancel.Token);

        Assert.Equal(nameof(LoadOutcome.Canceled), row.Outcome);
        Assert.False(File.Exists(_folder["late"]));
        await RequireEnded(File.ReadAllText(ready).Trim());
    }

    [SkippableFact]
    public async Task A_program_does_not_run_on_if_its_measurement_fails()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other programs are measured on Linux");
        int id = 0;
        var measurer = new ProgramMeasurer(started: number =>
        {
            id = number;
            throw new InvalidOperationException("stop");
        });

        await Assert.ThrowsAsync<InvalidOperationException>(() => measurer.MeasureAsync(new ProgramRequest("sleep", ["60"])));

        await RequireEnded($"{id}");
    }

    private static async Task RequireEnded(string id)
    {
        for (int i = 0; i < 100 && Lives(id); i++)
        {
            await Task.Delay(20);
        }
        Assert.False(Lives(id));
    }

    // A process that has ended can wait for its parent.
    private static bool Lives(string id)
    {
        try
        {
            return !File.ReadAllText($"/proc/{id}/status").Contains("State:\tZ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    [SkippableFact]
    public async Task A_program_has_no_input_and_its_samples_and_checkpoint_are_those_of_a_load()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other programs are measured on Linux");
        string path = Fixtures.PathOf("tiny/fp32.pth");
        LoadTimeline? samples = null;

        LoadMeasurement row = await new ProgramMeasurer(timelines: found => samples = found).MeasureAsync(
            new ProgramRequest("cat", []) { Path = path, Name = "mine", Run = 2, Cache = CacheState.Warm });

        Assert.Equal((nameof(LoadOutcome.Loaded), "mine", 2, path), (row.Outcome, row.Strategy, row.Run, row.Path));
        Assert.Equal((new FileInfo(path).Length, 39L, "TorchZip"), (row.FileBytes, row.TensorCount, row.Format));
        Assert.True(samples!.IsOf(row));
    }

    [SkippableFact]
    public void The_command_measures_what_follows_two_dashes_and_refuses_options_of_loads()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other programs are measured on Linux");
        CliRun table = CliRun.Of("measure", "--name", "own", "--", "sh", "-c", "echo --help; sleep 0.3", "--strategy");
        CliRun wrong = CliRun.Of("measure", "--strategy", "Stream", "--", "true");
        CliRun alone = CliRun.Of("measure", "--name", "own");

        Assert.Equal((0, "--help\n"), (table.ExitCode, table.Error));
        Assert.Matches("own +- / [0-9.]+ .* measured", table.Output);
        Assert.Equal((2, 2), (wrong.ExitCode, alone.ExitCode));
        Assert.Contains("'--strategy' applies to loads", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("'--name' applies to a program", alone.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_report_shows_rows_of_programs_and_of_loads()
    {
        string path = Fixtures.PathOf("tiny/fp32.pth");
        LoadMeasurement program = await Measure("true");
        LoadMeasurement load = MeasuredLoad.Run(
            new MeasureRequest(
                new LoadRequest
                {
                    Path = path,
                    Strategy = Strategy.Stream,
                    Device = "cpu",
                }));
        string report = _folder["report.html"];

        LoadReport.Write([load, program with { Path = load.Path }], [], report);

        string text = File.ReadAllText(report);
        Assert.Contains(program.Strategy, text, StringComparison.Ordinal);
        Assert.DoesNotContain("--strategy Stream,true", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("python3 load.py", "/usr/bin/python3", "src/load.py", "--fast")]
    [InlineData("python3", "python3", "-c", "pass")]
    [InlineData("true", "true")]
    public void A_program_without_a_name_has_that_of_its_script(string name, string program, params string[] arguments) =>
        Assert.Equal(name, new ProgramRequest(program, arguments).Name);

    private static async Task<LoadMeasurement> Measure(string program, params string[] arguments)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other programs are measured on Linux");
        return await new ProgramMeasurer().MeasureAsync(new ProgramRequest(program, arguments));
    }
}
