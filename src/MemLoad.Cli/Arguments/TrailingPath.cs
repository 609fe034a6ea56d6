namespace MemLoad.Cli;

/// <summary>An option that takes all words after it, and knows which words can be its values.</summary>
internal interface IWordList
{
    /// <summary>Whether a word can be a value of the option.</summary>
    bool Takes(string word);
}

/// <summary>An option for several values of one kind.</summary>
internal sealed class WordListOption<T>(string name, Func<string, bool> takes) : Option<T>(name), IWordList
{
    public bool Takes(string word) => takes(word);
}

/// <summary>Words of a command line that are paths by their position or their form.</summary>
internal static class TrailingPath
{
    private const string Option = "--path";
    private const string End = "--";

    /// <summary>
    /// Marks a path that follows the values of a list, as in <c>plan --strategy Stream model.pth</c>, and paths after <c>--</c> that begin
    /// like an option.
    /// </summary>
    /// <returns>A command line that the parser understands.</returns>
    public static IReadOnlyList<string> Mark(Command root, IReadOnlyList<string> args)
    {
        Command? command = args.Count == 0 ? null : root.Subcommands.FirstOrDefault(command => command.Name == args[0]);
        if (command?.Options.Any(option => option.Name == Option) != true)
        {
            return args;
        }
        var marked = new List<string>();
        IWordList? list = null;
        bool hasValue = false;
        bool ended = false;
        foreach (string word in args)
        {
            if (ended)
            {
                marked.Add(word.StartsWith('-') ? Path.Combine(".", word) : word);
                continue;
            }
            if (word.StartsWith('-'))
            {
                ended = word == End;
                string[] parts = word.Split('=', 2);
                list = command.Options.FirstOrDefault(option => option.Name == parts[0]) as IWordList;
                hasValue = parts.Length > 1;
            }
            else if (list is not null && hasValue && !list.Takes(word) && LooksLikePath(word))
            {
                marked.Add(Option);
                list = null;
            }
            else
            {
                hasValue = true;
            }
            marked.Add(word);
        }
        return marked;
    }

    // A misspelled value of the list must not become a missing file.
    private static bool LooksLikePath(string word) =>
        word.AsSpan().ContainsAny('/', '\\')
            || (Path.GetExtension(word) is [_, char first, ..] && char.IsAsciiLetter(first))
            || Path.Exists(word);
}
