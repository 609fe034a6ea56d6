using System.CommandLine;

namespace MemLoad.Cli;

/// <summary>Sets how commands run.</summary>
internal static class CommandActions
{
    /// <summary>Runs the work on the thread pool, so that Ctrl-C is handled in time even if the work does not check its token.</summary>
    public static void Runs(this Command command, Func<ParseResult, CancellationToken, int> work) =>
        command.SetAction((parsed, cancellationToken) => Task.Run(() => work(parsed, cancellationToken), CancellationToken.None));
}
