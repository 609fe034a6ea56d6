using System.CommandLine;
using System.CommandLine.Invocation;

namespace MemLoad.Cli;

/// <summary>Runs one command line from parsing to exit code. Program.cs and the tests enter here.</summary>
public static class CliRunner
{
    // Canceled work stops within a few milliseconds, prints what it has and removes its temporary files. This is for a machine that hardly lets it.
    private static readonly TimeSpan TimeToStop = TimeSpan.FromSeconds(5);

    /// <summary>Parses and runs a command line.</summary>
    /// <param name="args">The arguments, without the program's name.</param>
    /// <param name="output">Takes the data.</param>
    /// <param name="error">Takes everything else: progress, notes, errors.</param>
    /// <param name="cancellationToken">Stops the work as Ctrl-C does.</param>
    /// <returns>0 done, 1 a load failed or a file is unsound, 2 usage, 130 interrupted.</returns>
    public static Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        RunAsync(args, CliConsole.ForWriters(output, error), cancellationToken);

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
        // A reader that has gone (memload inspect | head) is no error, .NET says nothing of it; a full disk is one.
        if (console.OutputFailure is Exception failure)
        {
            int lost = console.Report(Rules.OutputUnwritable.Broken($"standard output cannot be written: {failure.GetBaseException().Message.TrimEnd('.')}", innerException: failure));
            code = code == ExitCode.Done ? lost : code;
        }
        return code;
    }

    /// <summary>Parses and runs one command line, whatever it throws.</summary>
    internal static async Task<int> InvokeAsync(IReadOnlyList<string> args, CliConsole console, CancellationToken cancellationToken)
    {
        // A path may start with '@': response files would take it away.
        ParseResult parsed = CommandTree.Build(console, args).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
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
