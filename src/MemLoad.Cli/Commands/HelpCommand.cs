using System.CommandLine;

namespace MemLoad.Cli;

/// <summary><c>memload help measure</c>: what <c>memload measure --help</c> says.</summary>
internal static class HelpCommand
{
    public const string Name = "help";

    public const string Description = "Show the help of a command, as its --help does.";

    public static Command Build(CliConsole console)
    {
        var name = new Argument<string?>("command") { Description = "The command. By default all commands are listed.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command(Name, Description) { name };
        command.SetAction((parsed, cancellationToken) =>
        {
            string? asked = parsed.GetValue(name);
            // An unknown command alone is the usage error that it should be; its help would be that of all commands.
            string[] args = asked is null ? ["--help"] : CommandTree.Has(asked) ? [asked, "--help"] : [asked];
            return CliRunner.InvokeAsync(args, console, cancellationToken);
        });
        return command;
    }
}
