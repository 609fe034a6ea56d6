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
        Option<bool> force = CommonOptions.ForceLoad();
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("measure", Description);
        selection.AddTo(command);
        command.Add(cache);
        command.Add(repeat);
        command.Add(inProcess);
        command.Add(manifest);
        command.Add(force);
        command.Add(format);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            bool here = parsed.GetValue(inProcess);
            string? expected = parsed.GetValue(manifest) is string file ? Path.GetFullPath(file) : null;
            IReadOnlyList<LoadRequest> requests = await Task.Run(
                () =>
                {
                    IReadOnlyList<LoadRequest> read = selection.Read(parsed, size => GeneratedFile.Ensure(size, console, cancellationToken));
                    return Checked([.. read.Select(request => request with { Manifest = expected })], console, cancellationToken);
                },
                cancellationToken).ConfigureAwait(false);
            requests = Repeat(requests, parsed.GetValue(repeat) ?? 1, cache.Read(parsed), parsed.GetValue(force));
            MeasureRun run = await MeasureRun.ExecuteAsync(
                requests,
                here ? (request, token) => Task.Run(() => LoadMeasurer.MeasureInProcess(request, token), token) : new LoadMeasurer().MeasureAsync,
                console,
                cancellationToken).ConfigureAwait(false);
            if (run.ExitCode == ExitCode.Interrupted)
            {
                console.Error.WriteLine("memload: interrupted");
            }
            Print(run.Rows, here, format.Read(parsed), console);
            return run.ExitCode;
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

    // Strategy by strategy, so that the runs to compare stand together.
    private static IReadOnlyList<LoadRequest> Repeat(IReadOnlyList<LoadRequest> requests, int times, CacheState cache, bool force) =>
        [.. requests.SelectMany(request => Enumerable.Range(1, times).Select(run => request with { Cache = cache, Run = run, Force = force }))];

    private static void Print(IReadOnlyList<LoadMeasurement> rows, bool inProcess, OutputFormat format, CliConsole console) => RowOutput.Write(
        rows, format, JsonOutput.Types.LoadMeasurementArray, JsonOutput.Types.LoadMeasurement, () => MeasureView.Write(rows, inProcess, console), console);
}
