namespace MemLoad.Cli;

/// <summary>The program that <c>measure</c> runs, with its arguments: all words after <c>--</c>.</summary>
internal static class ProgramOperand
{
    private const string Separator = "--";

    /// <summary>The command that takes a program.</summary>
    public const string Command = "measure";

    /// <summary>Divides a command line. The parser does not see the words of the program, which can look like options.</summary>
    /// <returns>The words before <c>--</c>, and the words after it; null if there is no program.</returns>
    public static (IReadOnlyList<string> Own, IReadOnlyList<string>? Program) Split(IReadOnlyList<string> args)
    {
        int separator = args.Count > 0 && args[0] == Command ? args.ToList().IndexOf(Separator) : -1;
        return separator < 0 ? (args, null) : ([.. args.Take(separator)], [.. args.Skip(separator + 1)]);
    }
}
