using System.CommandLine;

namespace MemLoad.Cli;

/// <summary><c>memload measure</c>: loads with every strategy and says what each cost.</summary>
internal static class MeasureCommand
{
    public const string Description = "Load with each strategy, each in a new process, and print the forecast and the measured memory, time and speed.";

    public static Command Build(CliConsole console)
    {
        var selection = new SelectionOptions();
        WordOption<CacheState> cache = CommonOptions.Caches.Option(
            "--cache", "The state of the page cache before each load: warm (file read in), cold (file evicted) or as it is.", "asis");
        Option<int?> repeat = Numbers.CountOption("--repeat", "Measure each strategy n times. [default: 1]");
        var inProcess = new Option<bool>("--in-process") { Description = "Measure in this process instead of a new process for each load." };
        Option<string?> manifest = CommonOptions.Manifest(
            "Compare the loaded weights with this manifest (memload manifest). A load with other weights has failed.");
        Option<string?> timeline = CommonOptions.Path(
            "--timeline-path", "Append the samples of each load to this file, as JSON lines. 'memload report' draws memory over time from them.", required: false);
        Option<bool> force = CommonOptions.ForceLoad();
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("measure", Description);
        selection.AddTo(command);
        command.Add(cache);
        command.Add(repeat);
        command.Add(inProcess);
        command.Add(manifest);
        command.Add(timeline);
        command.Add(force);
        command.Add(format);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            bool here = parsed.GetValue(inProcess);
            string? samples = parsed.GetValue(timeline);
            if (samples is not null)
            {
                // Now, not when a checkpoint has been made or hours of measuring are done.
                TimelineFile.RequireAppendable(samples);
            }
            string? expected = parsed.GetValue(manifest) is string file ? Path.GetFullPath(file) : null;
            (MeasureSession session, Dictionary<Strategy, long>? forecasts) = await Task.Run(
                () =>
                {
                    IReadOnlyList<LoadRequest> requests = selection.Read(parsed, size => GeneratedFile.Ensure(size, console, cancellationToken));
                    requests = [.. requests.Select(request => request with { Manifest = expected, Force = parsed.GetValue(force) })];
                    SpeedNote.Ensure(console, requests, cancellationToken);
                    IReadOnlyList<MeasureRequest> loads = MeasureRequest.Repeat(requests, parsed.GetValue(repeat) ?? 1, cache.Read(parsed));
                    var prepared = new MeasureSession(loads, here ? null : WorkerCommand.ForThisProgram(), samples);
                    if (console.ErrorIsTerminal)
                    {
                        return (prepared, (Dictionary<Strategy, long>?)HostForecasts(requests, cancellationToken));
                    }
                    _ = prepared.Forecast(cancellationToken);
                    return (prepared, null);
                },
                cancellationToken).ConfigureAwait(false);
            MeasureRun run;
            using (var view = new LiveView(console, ticks: !here))
            {
                session.ChildStarted += view.Watch;
                run = await MeasureRun.ExecuteAsync(session.Loads, session.MeasureAsync, forecasts, view, cancellationToken).ConfigureAwait(false);
            }
            if (run.ExitCode == ExitCode.Interrupted)
            {
                console.Error.WriteLine("memload: interrupted");
            }
            // The rows first: whatever becomes of the samples, hours of measuring are not lost.
            Print(run.Rows, here, format.Read(parsed), console);
            // What was measured before an interruption is kept as the rows are.
            return new[] { session.Disagreement(), session.KeepSamples(CancellationToken.None) }.OfType<MemLoadException>()
                .Aggregate(run.ExitCode, (_, problem) => console.Report(problem));
        });
        return command;
    }

    // Of each strategy, host memory in total: what the live view shows the load against.
    private static Dictionary<Strategy, long> HostForecasts(IReadOnlyList<LoadRequest> requests, CancellationToken cancellationToken) =>
        LoadPlanner.Forecast(requests, cancellationToken)
            .ToDictionary(row => Enum.Parse<Strategy>(row.Strategy), row => row.ForecastHostBytes + row.ForecastHostFileBytes);

    private static void Print(IReadOnlyList<LoadMeasurement> rows, bool inProcess, OutputFormat format, CliConsole console) => RowOutput.Write(
        rows, format, JsonOutput.Types.LoadMeasurementArray, JsonOutput.Types.LoadMeasurement, () => MeasureView.Write(rows, inProcess, console), console);
}
