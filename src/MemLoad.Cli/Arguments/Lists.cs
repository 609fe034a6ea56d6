using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace MemLoad.Cli;

/// <summary>Values that are lists.</summary>
internal static class Lists
{
    /// <summary>The words of all tokens, split at commas; empty ones stay, so that a stray comma is found.</summary>
    public static IEnumerable<string> Split(IEnumerable<Token> tokens) => tokens.SelectMany(token => token.Value.Split(',')).Select(word => word.Trim());

    /// <summary>Token ids: whole numbers, zero or more.</summary>
    public static Option<int[]> TokenIdsOption(string name, string description) => new(name)
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
                    result.AddError($"'{word}' is no token id: they are whole numbers from 0, separated by commas");
                    break;
                }
                ids.Add(id);
            }
            return [.. ids];
        },
    };

    /// <summary>Name patterns, each with the option before it: a name may hold a comma, and what follows a pattern may be the path.</summary>
    public static Option<string[]> PatternsOption(string name, string description) => new RepeatedOption<string>(name)
    {
        Description = description,
        HelpName = "pattern",
    };
}
