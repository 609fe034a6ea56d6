using System.Diagnostics;

namespace MemLoad.Tests.Measurement;

public sealed class LoadMeasurerTests
{
    // The measured child process is the worker of memload.
    private static readonly WorkerCommand Worker = new(
        "dotnet", [Path.Combine(AppContext.BaseDirectory, "memload.dll"), WorkerCommand.Verb]);

    private static LoadRequest Request(Strategy strategy = Strategy.Stream) =>
        new() { Path = Fixtures.PathOf("tiny/fp32.pth"), Strategy = strategy };

    private static MeasureRequest Of(LoadRequest load) => new(load);

    [Fact]
    public async Task A_row_has_forecast_measurement_and_a_digest_that_can_be_recomputed()
    {
        LoadMeasurement row = await new LoadMeasurer(Worker).MeasureAsync(Of(Request()));

        Assert.Equal((nameof(LoadOutcome.Loaded), null), (row.Outcome, row.Message));
        Assert.Equal(WeightsDigest.Of(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"))), row.WeightsDigest);
        Assert.Equal((39L, 0L), (row.TensorCount, row.DeviceErrorPermille));
        Assert.Equal(row.ForecastDeviceBytes, row.PeakDeviceBytes);
        Assert.InRange(row.PeakHostBytes!.Value, 0, row.ForecastHostBytes!.Value + (8 << 20));
        Assert.True(row.ElapsedMicroseconds > 0 && row.BytesPerSecond > 0);
    }

    [Fact]
    public async Task A_program_that_does_not_know_the_argument_of_a_worker_measures_in_a_child_process_of_its_own()
    {
        // The program of the tests does not start without the arguments of its host.
        WorkerCommand program = WorkerCommand.ForThisProgram() with { FileName = "dotnet", Arguments = [Worker.Arguments[0], "--version"] };
        LoadMeasurement row = await new LoadMeasurer(program).MeasureAsync(Of(Request()));

        Assert.Equal((nameof(LoadOutcome.Loaded), null), (row.Outcome, row.Message));
    }

    [Fact]
    public async Task A_failed_load_is_a_row_with_an_outcome_and_a_rule()
    {
        var measurer = new LoadMeasurer(Worker);
        LoadMeasurement missing = await measurer.MeasureAsync(Of(Request() with { Path = "/nowhere/at/all.pth" }));
        LoadMeasurement refused = await measurer.MeasureAsync(Of(Request() with { DeviceMemoryLimit = 4096 }));
        LoadMeasurement absent = await measurer.MeasureAsync(Of(Request() with { Device = "cuda:0" }));

        Assert.Equal((nameof(LoadOutcome.Failed), "ML1001"), (missing.Outcome, missing.Message?[..6]));
        Assert.Equal((nameof(LoadOutcome.Refused), "ML7006"), (refused.Outcome, refused.Message?[..6]));
        Assert.NotNull(refused.ForecastDeviceBytes);
        Assert.Null(refused.PeakDeviceBytes);
        Assert.Equal((nameof(LoadOutcome.Failed), "ML7004"), (absent.Outcome, absent.Message?[..6]));
    }

    [Fact]
    public async Task A_killed_child_is_a_row_and_the_parent_continues()
    {
        WorkerCommand sleeper = OperatingSystem.IsWindows()
            ? new WorkerCommand("ping", ["-n", "60", "127.0.0.1"])
            : new WorkerCommand("sleep", ["60"]);
        LoadMeasurement row = await new LoadMeasurer(sleeper, started: id =>
        {
            using var child = Process.GetProcessById(id);
            child.Kill();
        }).MeasureAsync(Of(Request()));

        Assert.Equal((nameof(LoadOutcome.Killed), "ML8012"), (row.Outcome, row.Message?[..6]));
        Assert.Equal(!OperatingSystem.IsWindows(), row.Message!.Contains("SIGKILL", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task A_child_that_touches_mapped_bytes_that_no_longer_exist_is_a_row_with_the_reason()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no signals");
        LoadMeasurement row = await new LoadMeasurer(new WorkerCommand("sh", ["-c", "kill -BUS $$"])).MeasureAsync(
            Of(Request(Strategy.Mmap)));

        Assert.Equal((nameof(LoadOutcome.Killed), "ML8015"), (row.Outcome, row.Message?[..6]));
        Assert.Contains("became shorter", row.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_child_that_cannot_start_or_sends_invalid_output_is_a_row()
    {
        LoadMeasurement none = await new LoadMeasurer(new WorkerCommand("/no/such/program", [])).MeasureAsync(Of(Request()));
        LoadMeasurement nonsense = await new LoadMeasurer(new WorkerCommand("dotnet", ["--version"])).MeasureAsync(Of(Request()));

        Assert.Equal((nameof(LoadOutcome.Failed), "ML8011"), (none.Outcome, none.Message?[..6]));
        Assert.Equal((nameof(LoadOutcome.Failed), "ML8011"), (nonsense.Outcome, nonsense.Message?[..6]));
    }

    [SkippableTheory]
    [InlineData("echo welcome; cat")] // a program that waits for input
    [InlineData("echo; cat")]
    [InlineData("echo '{}'; cat")]
    [InlineData("echo '{\"Outcome\":\"Loadet\"}'; cat")]
    [InlineData("echo '{\"Outcome\":null}'; cat")]
    [InlineData("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo welcome; cat")]
    public async Task A_program_that_gives_another_answer_is_a_row_and_does_not_run_on(string script)
    {
        Skip.If(OperatingSystem.IsWindows(), "a script of a Unix shell");
        int id = 0;
        LoadMeasurement row = await new LoadMeasurer(new WorkerCommand("sh", ["-c", script]), started: child => id = child)
            .MeasureAsync(Of(Request())).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal((nameof(LoadOutcome.Failed), "ML8011"), (row.Outcome, row.Message?[..6]));
        Assert.Throws<ArgumentException>(() => Process.GetProcessById(id));
    }

    [SkippableFact]
    public async Task The_explanation_of_a_process_has_the_first_line_of_much_standard_error()
    {
        Skip.If(OperatingSystem.IsWindows(), "a script of a Unix shell");
        const string Script = "echo first >&2; head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 3";
        LoadMeasurement row = await new LoadMeasurer(new WorkerCommand("sh", ["-c", Script])).MeasureAsync(Of(Request()));

        Assert.Equal(nameof(LoadOutcome.Failed), row.Outcome);
        Assert.Contains("first", row.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_child_does_not_run_on_if_the_caller_fails()
    {
        Skip.If(OperatingSystem.IsWindows(), "a program of Unix");
        int id = 0;
        await Assert.ThrowsAsync<InvalidOperationException>(() => new LoadMeasurer(new WorkerCommand("sleep", ["60"]), started: child =>
        {
            id = child;
            throw new InvalidOperationException();
        }).MeasureAsync(Of(Request())));

        Assert.Throws<ArgumentException>(() => Process.GetProcessById(id));
    }

    [Fact]
    public async Task Canceling_kills_the_child_at_once()
    {
        using var cancel = new CancellationTokenSource();
        WorkerCommand sleeper = OperatingSystem.IsWindows()
            ? new WorkerCommand("ping", ["-n", "60", "127.0.0.1"])
            : new WorkerCommand("sleep", ["60"]);
        Task<LoadMeasurement> measuring = new LoadMeasurer(sleeper).MeasureAsync(Of(Request()), cancel.Token);
        var clock = Stopwatch.StartNew();

        await cancel.CancelAsync();

        Assert.Equal(nameof(LoadOutcome.Canceled), (await measuring).Outcome);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
    }

    [Fact]
    public async Task A_worker_ends_after_its_parent_has_ended()
    {
        // A request that never ends. A pipe without a writer simulates a slow disk.
        if (!OperatingSystem.IsLinux())
        {
            return;
        }
        using var folder = new TemporaryFolder();
        string pipe = folder["slow.pth"];
        Assert.Equal(0, EndedProcess.Run("mkfifo", pipe).ExitCode);
        var start = new ProcessStartInfo(Worker.FileName, Worker.Arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process worker = Process.Start(start)!;
        await worker.StandardInput.WriteLineAsync($"{{\"Path\":\"{pipe}\",\"Strategy\":\"Stream\"}}");
        await worker.StandardInput.FlushAsync();

        worker.StandardInput.Close();

        await worker.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
    }
}
