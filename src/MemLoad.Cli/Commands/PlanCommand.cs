namespace MemLoad.Cli;

/// <summary><c>memload plan</c>: forecasts the cost of each strategy without loading.</summary>
internal static class PlanCommand
{
    public const string Description =
        "Forecast the memory and time of each strategy from the headers of the checkpoint. Nothing is loaded.";

    public static Command Build(CliConsole console)
    {
        var selection = new SelectionOptions(forecastOnly: true);
        var cache = new CacheOptions();
        var detailed = new Option<bool>("--detailed")
        {
            Description = "Show the steps of each plan with the running totals of every memory pool: one line per phase in a table, every "
                + "step in JSON and CSV.",
        };
        WordOption<OutputFormat> format = CommonOptions.Format();
        var command = new Command("plan", Description);
        selection.AddTo(command);
        cache.AddTo(command);
        command.AddAll(detailed, format);
        command.Runs((parsed, cancellationToken) =>
        {
            IReadOnlyList<LoadRequest> requests = [.. selection.Read(parsed, _ => null).Select(request => cache.Read(parsed, request))];
            SpeedNote.Ensure(console, requests, cancellationToken);
            bool fits = false;
            if (parsed.GetValue(detailed))
            {
                PrintSteps(LoadPlanner.Steps(requests, prepared => fits |= prepared.Refusal is null, cancellationToken),
                    format.Read(parsed), console);
            }
            else
            {
                LoadForecast[] rows = [.. LoadPlanner.Forecast(requests, cancellationToken)];
                fits = rows.Any(row => row.Message is null);
                PrintRows(rows, format.Read(parsed), console);
            }
            // A refused row is an answer. If no plan fits, the exit code stops 'memload plan … && memload measure …'.
            return fits ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static void PrintRows(LoadForecast[] rows, OutputFormat format, CliConsole console) => RowOutput.Write(
        rows, format, JsonOutput.Types.LoadForecastArray, JsonOutput.Types.LoadForecast, () => PlanView.Write(rows, console), console);

    private static void PrintSteps(IEnumerable<LoadPlanStep> steps, OutputFormat format, CliConsole console) => RowOutput.Write(
        steps, format, JsonOutput.Types.LoadPlanStepArray, JsonOutput.Types.LoadPlanStep, () => StepsView.Write(steps, console), console);
}
