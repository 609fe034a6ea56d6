using System.CommandLine.Invocation;

namespace MemLoad.Cli;

/// <summary>Runs one command line from parsing to the exit code. Program.cs and the tests call it.</summary>
public static class CliRunner
{
    // The time for cancelled work to end. It usually stops within a few milliseconds, prints its results, and deletes its temporary files.
    private static readonly TimeSpan TimeToStop = TimeSpan.FromSeconds(5);

    /// <summary>Parses and runs a command line.</summary>
    /// <param name="args">The arguments, without the program's name.</param>
    /// <param name="output">Receives the data.</param>
    /// <param name="error">Receives all other output: progress, notes, errors.</param>
    /// <param name="cancellationToken">Cancels the work as Ctrl-C does.</param>
    /// <returns>0 success, 1 a load failed or a file is unsound, 2 usage error, 130 interrupted.</returns>
    public static Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter error,
        CancellationToken cancellationToken) => RunAsync(args, CliConsole.ForWriters(output, error), cancellationToken);

    internal static async Task<int> RunAsync(IReadOnlyList<string> args, CliConsole console, CancellationToken cancellationToken)
    {
        Vocabulary.Current = CommandLineWords.Vocabulary;
        int code;
        try
        {
            code = await InvokeAsync(args, console, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            code = console.Report(e);
        }
        console.Out.Flush();
        // A reader that has ended (memload inspect | head) is not an error, and .NET reports none. A full disk is an error.
        if (console.OutputFailure is Exception failure)
        {
            int lost = console.Report(Rules.OutputUnwritable.Broken($"standard output cannot be written: "
                + $"{failure.GetBaseException().Message.TrimEnd('.')}", innerException: failure));
            code = code == ExitCode.Done ? lost : code;
        }
        return code;
    }

    /// <summary>Parses and runs one command line, and handles every exception.</summary>
    internal static async Task<int> InvokeAsync(IReadOnlyList<string> args, CliConsole console, CancellationToken cancellationToken)
    {
        // A path may begin with '@', which would name a response file.
        (args, IReadOnlyList<string>? program) = ProgramOperand.Split(args);
        RootCommand root = CommandTree.Build(console, args, program);
        ParseResult parsed = root.Parse(TrailingPath.Mark(root, args), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            return UsageError.Report(parsed, console);
        }
        var configuration = new InvocationConfiguration
        {
            Output = console.Out,
            Error = console.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TimeToStop,
        };
        return await parsed.InvokeAsync(configuration, cancellationToken).ConfigureAwait(false);
    }
}
