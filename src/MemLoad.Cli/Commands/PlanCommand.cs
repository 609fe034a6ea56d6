using System.CommandLine;

namespace MemLoad.Cli;

/// <summary><c>memload plan</c>: what each strategy would cost, with nothing loaded.</summary>
internal static class PlanCommand
{
    public static Command Build(CliConsole console)
    {
        var selection = new SelectionOptions();
        WordOption<OutputFormat> format = CommonOptions.Format();
        var command = new Command("plan", "Forecast what every strategy would cost, from the checkpoint's headers alone. Nothing is loaded.");
        selection.AddTo(command);
        command.Add(format);
        command.Runs((parsed, cancellationToken) =>
        {
            LoadForecast[] rows = [.. selection.Read(parsed, _ => null).Select(request => LoadPlanner.Forecast(request, cancellationToken))];
            switch (format.Read(parsed))
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
            return ExitCode.Done;
        });
        return command;
    }
}
