namespace MemLoad.Cli;

/// <summary><c>memload help measure</c>: prints the same as <c>memload measure --help</c>.</summary>
internal static class HelpCommand
{
    public const string Name = "help";

    public const string Description = "Show the help of a command, as its --help does.";

    public static Command Build(CliConsole console)
    {
        var name = new Argument<string?>("command")
        {
            Description = "The command. By default all commands are listed.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command(Name, Description) { name };
        command.SetAction((parsed, cancellationToken) =>
        {
            string? asked = parsed.GetValue(name);
            // An unknown command alone is a usage error. Its help would be the help of all commands.
            string[] args = asked is null ? ["--help"] : CommandTree.Has(asked) ? [asked, "--help"] : [asked];
            return CliRunner.InvokeAsync(args, console, cancellationToken);
        });
        return command;
    }
}
