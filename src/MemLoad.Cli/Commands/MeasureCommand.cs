using System.CommandLine;

namespace MemLoad.Cli;

/// <summary><c>memload measure</c>: loads with every strategy and says what each cost.</summary>
internal static class MeasureCommand
{
    public const string Description = "Load with every strategy, each in a fresh process, and print forecast beside measured memory, time and speed.";

    public static Command Build(CliConsole console)
    {
        var selection = new SelectionOptions();
        WordOption<CacheState> cache = CommonOptions.Caches.Option(
            "--cache", "The page cache before each load: warm (file read in), cold (file evicted) or as it is.", "asis");
        Option<int?> repeat = Numbers.CountOption("--repeat", "Measure each strategy n times. [default: 1]");
        var inProcess = new Option<bool>("--in-process") { Description = "Measure in this process, one after the other, instead of a fresh process for each load." };
        Option<string?> manifest = CommonOptions.Manifest(
            "Hold the loaded weights, as they lie in memory, against this manifest (memload manifest); a load that differs has failed.");
        Option<string?> timeline = CommonOptions.Path(
            "--timeline-path", "Add the samples of each load to this file, as JSON lines: what 'memload report' draws memory over time from.", required: false);
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
            IReadOnlyList<LoadRequest> requests = await Task.Run(
                () =>
                {
                    IReadOnlyList<LoadRequest> read = selection.Read(parsed, size => GeneratedFile.Ensure(size, console, cancellationToken));
                    return Checked([.. read.Select(request => request with { Manifest = expected })], console, cancellationToken);
                },
                cancellationToken).ConfigureAwait(false);
            requests = Repeat(requests, parsed.GetValue(repeat) ?? 1, cache.Read(parsed), parsed.GetValue(force));
            var timelines = new List<LoadTimeline>();
            Action<LoadTimeline>? keep = samples is null ? null : timelines.Add;
            MeasureRun run;
            using (var view = new LiveView(console, ticks: !here))
            {
                run = await MeasureRun.ExecuteAsync(
                    requests,
                    here
                        ? (request, token) => Task.Run(() => LoadMeasurer.MeasureInProcess(request, keep, token), token)
                        : new LoadMeasurer(timelines: keep, started: view.Watch).MeasureAsync,
                    console.ErrorIsTerminal ? HostForecasts(requests, cancellationToken) : null,
                    view,
                    cancellationToken).ConfigureAwait(false);
            }
            if (run.ExitCode == ExitCode.Interrupted)
            {
                console.Error.WriteLine("memload: interrupted");
            }
            // The rows first: whatever becomes of the samples, hours of measuring are not lost.
            Print(run.Rows, here, format.Read(parsed), console);
            int code = run.ExitCode;
            if (WeightsDigest.Disagreement(run.Rows.Select(row => row.WeightsDigest), run.Rows is [LoadMeasurement first, ..] ? first.Path : null) is MemLoadException different)
            {
                code = console.Report(different);
            }
            try
            {
                if (samples is not null)
                {
                    // What was measured before an interruption is kept as the rows are.
                    TimelineFile.Append(samples, timelines, CancellationToken.None);
                }
            }
            catch (MemLoadException e)
            {
                code = console.Report(e);
            }
            return code;
        });
        return command;
    }

    // What is wrong with the checkpoint or the device is wrong for every strategy: better one line now than six rows later.
    private static IReadOnlyList<LoadRequest> Checked(IReadOnlyList<LoadRequest> requests, CliConsole console, CancellationToken cancellationToken)
    {
        SpeedNote.Ensure(console, requests, cancellationToken);
        _ = LoadPlanner.Forecast(requests[0], cancellationToken);
        return requests;
    }

    private static Dictionary<Strategy, long> HostForecasts(IReadOnlyList<LoadRequest> requests, CancellationToken cancellationToken) =>
        LoadPlanner.Forecast([.. requests.DistinctBy(request => request.Strategy)], cancellationToken)
            .ToDictionary(row => Enum.Parse<Strategy>(row.Strategy), row => row.ForecastHostBytes + row.ForecastHostFileBytes);

    // Strategy by strategy, so that the runs to compare stand together.
    private static IReadOnlyList<LoadRequest> Repeat(IReadOnlyList<LoadRequest> requests, int times, CacheState cache, bool force) =>
        [.. requests.SelectMany(request => Enumerable.Range(1, times).Select(run => request with { Cache = cache, Run = run, Force = force }))];

    private static void Print(IReadOnlyList<LoadMeasurement> rows, bool inProcess, OutputFormat format, CliConsole console) => RowOutput.Write(
        rows, format, JsonOutput.Types.LoadMeasurementArray, JsonOutput.Types.LoadMeasurement, () => MeasureView.Write(rows, inProcess, console), console);
}
