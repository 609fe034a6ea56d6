using System.CommandLine;

namespace MemLoad.Cli;

/// <summary>How commands run.</summary>
internal static class CommandActions
{
    /// <summary>Runs work on the thread pool: only then is Ctrl-C answered in time even by work that does not listen.</summary>
    public static void Runs(this Command command, Func<ParseResult, CancellationToken, int> work) =>
        command.SetAction((parsed, cancellationToken) => Task.Run(() => work(parsed, cancellationToken), CancellationToken.None));
}
