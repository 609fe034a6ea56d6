namespace MemLoad.Cli;

/// <summary>Sets what commands accept and how they run.</summary>
internal static class CommandActions
{
    public static void AddAll(this Command command, params ReadOnlySpan<Option> options)
    {
        foreach (Option option in options)
        {
            command.Add(option);
        }
    }

    /// <summary>Runs the work on the thread pool, so that Ctrl-C is handled in time even if the work does not check its token.</summary>
    public static void Runs(this Command command, Func<ParseResult, CancellationToken, int> work) =>
        command.SetAction((parsed, cancellationToken) => Task.Run(() => work(parsed, cancellationToken), CancellationToken.None));
}
