using System.CommandLine.Parsing;

namespace MemLoad.Cli;

/// <summary>A closed list of words for the value of an option, case ignored. Any other word is a usage error that lists them.</summary>
internal sealed class Words<T>(string kind, params (string Word, T Value)[] choices)
{
    public IEnumerable<string> All => choices.Select(choice => choice.Word);

    public bool TryFind(string word, out T value)
    {
        foreach ((string candidate, T found) in choices)
        {
            if (candidate.Equals(word.Trim(), StringComparison.OrdinalIgnoreCase))
            {
                value = found;
                return true;
            }
        }
        value = default!;
        return false;
    }

    /// <summary>Returns the error for a word that is not in the list.</summary>
    public string Complaint(string word) => $"Unknown {kind} '{word}': choose from {string.Join(", ", All)}";

    public WordOption<T> Option(string name, string description, string? defaultWord = null) => new(this, name, description, defaultWord);

    /// <summary>Creates an option for several words, separated by commas or spaces, or repeated.</summary>
    public Option<T[]> ListOption(string name, string description, string helpName)
    {
        var option = new WordListOption<T[]>(name, word => word.Split(',').All(part => TryFind(part, out _)))
        {
            Description = description,
            HelpName = helpName,
            // PowerShell passes A,B to a program as two arguments.
            AllowMultipleArgumentsPerToken = true,
            CustomParser = result => [.. Lists.Split(result.Tokens).Select(word => Find(result, word, Lists.PathHint(result, word)))],
        };
        option.CompletionSources.Add([.. All]);
        return option;
    }

    private T Find(ArgumentResult result, string word, string hint)
    {
        if (!TryFind(word, out T value))
        {
            result.AddError(Complaint(word) + hint);
        }
        return value;
    }
}

/// <summary>An option for one word of a list. It keeps the word itself, so that help shows the default as the user types it.</summary>
internal sealed class WordOption<T> : Option<string?>
{
    private readonly Words<T> _words;

    public WordOption(Words<T> words, string name, string description, string? defaultWord) : base(name)
    {
        _words = words;
        Description = description;
        HelpName = string.Join('|', words.All) is { Length: <= 40 } all ? all : name.TrimStart('-');
        CustomParser = result =>
        {
            string word = result.Tokens[^1].Value;
            if (!words.TryFind(word, out _))
            {
                result.AddError(words.Complaint(word));
            }
            return word;
        };
        if (defaultWord is not null)
        {
            DefaultValueFactory = _ => defaultWord;
        }
        CompletionSources.Add([.. words.All]);
    }

    /// <summary>Returns the value of the word; the default of the type if neither the user nor the option gives a word.</summary>
    public T? Read(ParseResult parsed) => parsed.GetValue(this) is string word && _words.TryFind(word, out T value) ? value : default;
}
