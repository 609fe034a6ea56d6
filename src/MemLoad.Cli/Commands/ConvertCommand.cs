using System.CommandLine;

namespace MemLoad.Cli;

/// <summary><c>memload convert</c>: writes a checkpoint in another format, in bounded memory.</summary>
internal static class ConvertCommand
{
    public const string Description =
        "Write a checkpoint, or a part of it, in another format. The memory that this needs does not grow with the size.";

    public static Command Build(CliConsole console)
    {
        var path = new PathOperand();
        var target = new OutputTarget(required: true, "The file or folder to write.");
        Option<string?> key = CommonOptions.Key();
        Option<string[]> include = CommonOptions.Include();
        Option<string[]> exclude = CommonOptions.Exclude();
        Option<bool> allowOpaque = CommonOptions.AllowOpaque();
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("convert", Description);
        path.AddTo(command);
        target.AddTo(command);
        command.Add(key);
        command.Add(include);
        command.Add(exclude);
        command.Add(allowOpaque);
        command.Add(format);
        command.Runs((parsed, cancellationToken) =>
        {
            Checkpoint source = Checkpoint.OpenSelected(
                path.Read(parsed)!, parsed.GetValue(key), parsed.GetValue(include) ?? [], parsed.GetValue(exclude) ?? [],
                parsed.GetValue(allowOpaque), cancellationToken);
            WriteResult result = target.Write(source, target.PathOf(parsed)!, parsed, console, cancellationToken);
            WriteResultView.Print(result, format.Read(parsed), console);
            return ExitCode.Done;
        });
        return command;
    }
}
