using System.CommandLine.Completions;

namespace MemLoad.Cli;

/// <summary>
/// The words that may come next on a command line. They come from the tree that parses it, so that the offered words are those that are
/// accepted.
/// </summary>
internal static class WordCompletion
{
    /// <summary>
    /// Returns the words that may replace the last of the words up to the cursor, which is being typed and may be empty. An empty result
    /// means that it is something else, such as a path.
    /// </summary>
    public static IEnumerable<string> Of(RootCommand tree, IReadOnlyList<string> words)
    {
        string typed = words.Count == 0 ? "" : words[^1];
        string[] before = [.. words.SkipLast(1)];
        string? name = before.FirstOrDefault(word => !word.StartsWith('-'));
        if (name is null)
        {
            return Beginning(typed, [.. typed.StartsWith('-') ? [] : Commands(tree), .. OptionNames(tree, typed)]);
        }
        if (Find(tree, name) is not Command command)
        {
            return [];
        }
        if (typed.StartsWith('-') && typed.IndexOf('=', StringComparison.Ordinal) is int equals and > 0)
        {
            string option = typed[..equals];
            return FindOption(command, option) is Option given ? Values(given, typed[(equals + 1)..]).Select(value => $"{option}={value}")
                : [];
        }
        if (!typed.StartsWith('-') && OptionBefore(command, before) is Option asked)
        {
            return Values(asked, typed);
        }
        string[] arguments = command.Name == HelpCommand.Name ? [.. Commands(tree)] : [.. command.Arguments.SelectMany(Words)];
        // Commands that take paths as operands offer paths unless the word begins like an option.
        bool offersOptions = typed.StartsWith('-') || command.Arguments.Count == 0;
        return Beginning(typed,
            [.. arguments, .. offersOptions ? OptionNames(command, typed).Where(option => MayCome(command, option, before)) : []]);
    }

    private static IEnumerable<string> Commands(RootCommand tree) =>
        tree.Subcommands.Where(command => !command.Hidden).Select(command => command.Name);

    private static Command? Find(RootCommand tree, string name) => tree.Subcommands.FirstOrDefault(command => command.Name == name);

    // Short names and aliases are offered only if the word begins like one.
    private static IEnumerable<string> OptionNames(Command command, string typed) =>
        command.Options.Concat(command is RootCommand ? [] : Recursive(command))
        .Where(option => !option.Hidden)
        .SelectMany(option => typed.StartsWith('-') && !typed.StartsWith("--", StringComparison.Ordinal) && typed.Length > 1
            ? [option.Name, .. option.Aliases] : new[] { option.Name });

    private static IEnumerable<Option> Recursive(Command command) =>
        command.Parents.OfType<Command>().SelectMany(parent => parent.Options).Where(option => option.Recursive);

    private static Option? FindOption(Command command, string name) =>
        command.Options.Concat(Recursive(command)).FirstOrDefault(option => option.Name == name || option.Aliases.Contains(name));

    // The option whose value is being typed: the one directly before, or one that accepts several values and already has some.
    private static Option? OptionBefore(Command command, string[] before)
    {
        int at = Array.FindLastIndex(before, word => word.StartsWith('-'));
        if (at < 0 || FindOption(command, before[at]) is not Option option || option.ValueType == typeof(bool)
            || option.Arity.MaximumNumberOfValues == 0)
        {
            return null;
        }
        return at == before.Length - 1 || option.AllowMultipleArgumentsPerToken ? option : null;
    }

    private static bool MayCome(Command command, string name, string[] before) =>
        FindOption(command, name) is not Option option || option.AllowMultipleArgumentsPerToken || option is RepeatedOption
        || !before.Any(word => word == option.Name || option.Aliases.Contains(word));

    // In a list A,B the last item is being typed.
    private static IEnumerable<string> Values(Option option, string typed)
    {
        int comma = option.AllowMultipleArgumentsPerToken ? typed.LastIndexOf(',') + 1 : 0;
        string[] given = typed[..comma].Split(',');
        return Beginning(typed[comma..], [.. Words(option).Where(word => !given.Contains(word, StringComparer.OrdinalIgnoreCase))])
            .Select(word => typed[..comma] + word);
    }

    private static IEnumerable<string> Words(Symbol symbol) =>
        symbol.GetCompletions(CompletionContext.Empty).Select(item => item.InsertText ?? item.Label).Distinct();

    private static IEnumerable<string> Beginning(string typed, IEnumerable<string> words) =>
        words.Where(word => word.StartsWith(typed, StringComparison.OrdinalIgnoreCase)).Distinct();
}
