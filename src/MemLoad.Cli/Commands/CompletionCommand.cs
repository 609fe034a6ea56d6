namespace MemLoad.Cli;

/// <summary>
/// <c>memload completion</c>: prints a script with which a shell completes words. <c>memload complete</c>: prints words, for these scripts.
/// </summary>
internal static class CompletionCommand
{
    public const string Description = "Print a script that lets a shell complete the commands, options and values of memload.";

    public const string WordsDescription = "Print the words that may come next. The scripts of 'memload completion' call this command.";

    /// <summary>The name of the command that the scripts call.</summary>
    public const string WordsName = "complete";

    public static Command Build(CliConsole console)
    {
        var shell = new Argument<string>("shell")
        {
            Description = $"The shell: {string.Join(", ", CompletionScripts.Shells.All)}.",
            Arity = ArgumentArity.ExactlyOne,
        };
        shell.CompletionSources.Add([.. CompletionScripts.Shells.All]);
        shell.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string word }] && !CompletionScripts.Shells.TryFind(word, out _))
            {
                result.AddError(CompletionScripts.Shells.Complaint(word));
            }
        });
        var command = new Command("completion", Description) { shell };
        command.Runs((parsed, unused) =>
        {
            _ = CompletionScripts.Shells.TryFind(parsed.GetValue(shell)!, out string script);
            console.Out.Write(script.ReplaceLineEndings("\n"));
            console.Out.Write('\n');
            return ExitCode.Done;
        });
        return command;
    }

    public static Command BuildWords(CliConsole console)
    {
        var words = new Argument<string[]>("words") { Arity = ArgumentArity.ZeroOrMore };
        var command = new Command(WordsName, WordsDescription) { words };
        command.Hidden = true;
        command.Runs((parsed, _) =>
        {
            string[] typed = parsed.GetValue(words) ?? [];
            foreach (string word in WordCompletion.Of(CommandTree.Build(console, typed), typed))
            {
                console.Out.Write(word);
                console.Out.Write('\n');
            }
            return ExitCode.Done;
        });
        return command;
    }
}
