namespace MemLoad.Cli;

/// <summary><c>memload measure</c>: loads with each strategy and prints the cost of each load.</summary>
internal static class MeasureCommand
{
    public const string Description =
        "Load with each strategy, each in a new process, and print the forecast and the measured memory, time and speed.";

    public static Command Build(CliConsole console) => Build(console, null);

    /// <summary>Builds the command for a program to measure, or for loads if the program is null.</summary>
    public static Command Build(CliConsole console, IReadOnlyList<string>? program)
    {
        var selection = new SelectionOptions();
        WordOption<CacheState> cache = CommonOptions.Caches.Option(
            "--cache", "The state of the page cache before each load: warm (file read in), cold (file evicted) or as it is.", "asis");
        Option<int?> repeat = Numbers.CountOption("--repeat", "Measure each strategy n times. [default: 1]", most: MeasureRequest.MostRuns);
        var inProcess = new Option<bool>("--in-process")
        {
            Description = "Measure in this process instead of a new process for each load.",
        };
        Option<string?> manifest = CommonOptions.Manifest(
            "Compare the loaded weights with this manifest (memload manifest). A load with other weights fails.");
        Option<string?> timeline = CommonOptions.Path("--timeline-path",
            "Append the samples of each load to this file, as JSON lines. 'memload report' draws memory over time from them.");
        Option<bool> force = CommonOptions.ForceLoad();
        var model = new Option<string?>("--model-name")
        {
            Description = "A name for the model: the column Model of the rows and the label 'model' of the metrics.",
            HelpName = "name",
        };
        var bounds = new BoundOptions();
        WordOption<OutputFormat> format = CommonOptions.FormatWithMetrics();

        var command = new Command("measure", Description);
        selection.AddTo(command);
        command.AddAll(cache, repeat, inProcess, manifest, timeline, force, model);
        bounds.AddTo(command);
        command.Add(format);
        var programs = new MeasureProgram();
        programs.AddTo(command, program,
            ["--path", "--device", cache.Name, repeat.Name, timeline.Name, model.Name, .. bounds.Names, format.Name]);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            bool here = parsed.GetValue(inProcess);
            string? samples = parsed.GetValue(timeline);
            if (samples is not null)
            {
                // Checked now, not after a checkpoint was generated or after hours of measuring.
                TimelineFile.RequireAppendable(samples, cancellationToken);
            }
            if (program is not null)
            {
                return await RunProgramAsync(parsed, program, samples, cancellationToken).ConfigureAwait(false);
            }
            string? expected = parsed.GetValue(manifest) is string file ? FullPath.Of(file) : null;
            (MeasureSession session, Dictionary<LoadRequest, long>? forecasts) = await Task.Run(
                () =>
                {
                    IReadOnlyList<LoadRequest> requests = selection.Read(parsed, size => Generate(size, console, cancellationToken));
                    requests = [.. requests.Select(request => request with { Manifest = expected, Force = parsed.GetValue(force) })];
                    SpeedNote.Ensure(console, requests, cancellationToken);
                    IReadOnlyList<MeasureRequest> loads =
                    [
                        .. MeasureRequest.Repeat(requests, parsed.GetValue(repeat) ?? 1, cache.Read(parsed))
                            .Select(load => bounds.Apply(load, parsed) with { Model = parsed.GetValue(model) }),
                    ];
                    var prepared = new MeasureSession(loads, here ? null : WorkerCommand.ByArgument(), samples);
                    if (console.ErrorIsTerminal)
                    {
                        return (prepared, (Dictionary<LoadRequest, long>?)HostForecasts(requests, cancellationToken));
                    }
                    _ = prepared.Forecast(cancellationToken);
                    return (prepared, null);
                },
                cancellationToken).ConfigureAwait(false);
            MeasureRun run;
            var output = new MeasuredOutput(format.Read(parsed), console);
            using (var view = new LiveView(console, ticks: !here))
            {
                session.ChildStarted += view.Watch;
                run = await MeasureRun.ExecuteAsync([.. session.Turns], session.MeasureAsync, forecasts, view, Keep,
                    rows => bounds.ExitCodeOf(rows, parsed), cancellationToken).ConfigureAwait(false);
            }
            if (run.ExitCode == ExitCode.Interrupted)
            {
                console.Error.WriteLine("memload: interrupted");
            }
            // The rows are written first, so that a problem of the samples does not lose hours of measuring.
            output.End(run.Rows, here);
            // The samples of loads before an interruption are kept, as their rows are.
            return new[] { session.Disagreement(), session.KeepSamples(CancellationToken.None) }.OfType<MemLoadException>()
                .Aggregate(run.ExitCode, (_, problem) => console.Report(problem));

            // Samples that cannot be written now are written after a later load, or at the end.
            void Keep(IReadOnlyList<LoadMeasurement> rows)
            {
                output.Add(rows);
                _ = session.KeepSamples(CancellationToken.None);
            }
        });
        return command;

        async Task<int> RunProgramAsync(
            ParseResult parsed, IReadOnlyList<string> words, string? samplesPath, CancellationToken cancellationToken)
        {
            var samples = new PendingSamples(samplesPath);
            var request = new ProgramRequest(words[0], [.. words.Skip(1)])
            {
                Path = selection.PathOf(parsed),
                Device = selection.DeviceOf(parsed) ?? "cpu",
                Cache = cache.Read(parsed),
                Model = parsed.GetValue(model),
            };
            var output = new MeasuredOutput(format.Read(parsed), console);
            MeasureRun run = await programs.RunAsync(
                parsed, bounds.Apply(request, parsed), parsed.GetValue(repeat) ?? 1, samples, output.Add,
                rows => bounds.ExitCodeOf(rows, parsed), console, cancellationToken).ConfigureAwait(false);
            output.End(run.Rows, inProcess: false);
            return samples.Write(CancellationToken.None) is MemLoadException lost ? console.Report(lost) : run.ExitCode;
        }
    }

    // The checkpoint in the cache folder. It is written once.
    private static string Generate(string size, CliConsole console, CancellationToken cancellationToken)
    {
        using var status = new StatusLine(console);
        return GeneratedCheckpoint.Ensure(size, status.Bytes($"creating {size} once", GeneratedCheckpoint.BytesToWrite(size)),
            cancellationToken);
    }

    // The forecast of total host memory per load, which the live view compares with the load.
    private static Dictionary<LoadRequest, long> HostForecasts(IReadOnlyList<LoadRequest> requests, CancellationToken cancellationToken) =>
        requests.Zip(LoadPlanner.Forecast(requests, cancellationToken))
            .ToDictionary(pair => pair.First, pair => pair.Second.ForecastHostBytes + pair.Second.ForecastHostFileBytes);
}
