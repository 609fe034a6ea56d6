using System.CommandLine.Parsing;

namespace MemLoad.Cli;

/// <summary>Options whose values are lists.</summary>
internal static class Lists
{
    /// <summary>Returns the words of all tokens, split at commas. Empty words stay, so that an extra comma is an error.</summary>
    public static IEnumerable<string> Split(IEnumerable<Token> tokens) =>
        tokens.SelectMany(token => token.Value.Split(',')).Select(word => word.Trim());

    /// <summary>
    /// Returns the text to add to the error for a word that is not a value of a list. A list takes all words after its option, so that the
    /// last word can be the path of the command.
    /// </summary>
    public static string PathHint(ArgumentResult result, string word) =>
        result.Tokens.Count > 1 && result.Tokens[^1].Value == word ? ". Write a path before the options, or as --path" : "";

    /// <summary>Creates an option for token ids: whole numbers, zero or more.</summary>
    public static Option<int[]> TokenIdsOption(string name, string description) => new WordListOption<int[]>(name, word =>
        word.Split(',').All(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
    {
        Description = description,
        HelpName = "1,2,3",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result =>
        {
            var ids = new List<int>();
            foreach (string word in Split(result.Tokens))
            {
                if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                {
                    result.AddError($"'{word}' is not a token id: they are whole numbers from 0, separated by "
                        + $"commas{PathHint(result, word)}");
                    break;
                }
                ids.Add(id);
            }
            return [.. ids];
        },
    };
}
