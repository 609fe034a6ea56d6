using System.CommandLine;

namespace MemLoad.Cli;

/// <summary><c>memload plan</c>: what each strategy would cost, with nothing loaded.</summary>
internal static class PlanCommand
{
    public static Command Build(CliConsole console)
    {
        var selection = new SelectionOptions();
        var detailed = new Option<bool>("--detailed")
        {
            Description = "Show the steps of each plan with the running totals of every memory pool: a line a phase in a table, every step in JSON and CSV.",
        };
        WordOption<OutputFormat> format = CommonOptions.Format();
        var command = new Command("plan", "Forecast what every strategy would cost, from the checkpoint's headers alone. Nothing is loaded.");
        selection.AddTo(command);
        command.Add(detailed);
        command.Add(format);
        command.Runs((parsed, cancellationToken) =>
        {
            IReadOnlyList<LoadRequest> requests = selection.Read(parsed, _ => null);
            SpeedNote.Ensure(console, requests, cancellationToken);
            if (parsed.GetValue(detailed))
            {
                PrintSteps(requests, format.Read(parsed), console, cancellationToken);
            }
            else
            {
                PrintRows([.. LoadPlanner.Forecast(requests, cancellationToken)], format.Read(parsed), console);
            }
            return ExitCode.Done;
        });
        return command;
    }

    private static void PrintRows(LoadForecast[] rows, OutputFormat format, CliConsole console)
    {
        switch (format)
        {
            case OutputFormat.Json:
                JsonOutput.Write(rows, JsonOutput.Types.LoadForecastArray, console.Out);
                break;
            case OutputFormat.Csv:
                CsvWriter.Write(rows, JsonOutput.Types.LoadForecast, console.Out);
                break;
            default:
                PlanView.Write(rows, console);
                break;
        }
    }

    private static void PrintSteps(IReadOnlyList<LoadRequest> requests, OutputFormat format, CliConsole console, CancellationToken cancellationToken)
    {
        IEnumerable<LoadPlanStep> steps = LoadPlanner.Steps(requests, cancellationToken);
        switch (format)
        {
            case OutputFormat.Json:
                JsonOutput.Write([.. steps], JsonOutput.Types.LoadPlanStepArray, console.Out);
                break;
            case OutputFormat.Csv:
                CsvWriter.Write(steps, JsonOutput.Types.LoadPlanStep, console.Out);
                break;
            default:
                StepsView.Write(steps, console);
                break;
        }
    }
}
