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
        var tensors = new TensorOptions();
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("convert", Description);
        path.AddTo(command);
        target.AddTo(command);
        tensors.AddTo(command);
        command.Add(format);
        command.Runs((parsed, cancellationToken) =>
        {
            Checkpoint source = tensors.Open(path.Read(parsed)!, parsed, cancellationToken);
            target.Write(source, target.PathOf(parsed)!, parsed, format.Read(parsed), console, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }
}
