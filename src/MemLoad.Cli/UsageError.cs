using System.CommandLine.Parsing;

namespace MemLoad.Cli;

/// <summary>Converts the errors of the parser to one line.</summary>
internal static class UsageError
{
    private const int LongestMessage = 1000;

    public static int Report(ParseResult parsed, CliConsole console)
    {
        // If there are several errors, an error about a given word is more useful than one about a missing word.
        string message = parsed.UnmatchedTokens is [string unmatched, ..] ? Unmatched(parsed.CommandResult, unmatched)
            : parsed.Errors[0].Message;
        message = Printable.Line(message, LongestMessage).TrimEnd('.');
        console.Error.WriteLine($"memload: error {Rules.UsageInvalid.Id}: {char.ToLowerInvariant(message[0])}{message[1..]}. Run "
            + $"'{Path(parsed.CommandResult)} --help'.");
        return ExitCode.Usage;
    }

    private static string Unmatched(CommandResult result, string token)
    {
        if (result.Command is RootCommand root && !token.StartsWith('-'))
        {
            return $"Unknown command '{token}': choose from "
                + $"{string.Join(", ", root.Subcommands.Where(command => !command.Hidden).Select(command => command.Name))}";
        }
        return token.StartsWith('-') ? $"Unknown option '{token}'" : $"Unexpected argument '{token}'";
    }

    private static string Path(SymbolResult result) =>
        result is CommandResult { Command: not RootCommand } command ? $"memload {command.Command.Name}" : "memload";
}
