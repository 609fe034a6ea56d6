using System.Text.RegularExpressions;

namespace MemLoad.Tests.Docs;

/// <summary>A command that a document shows.</summary>
/// <param name="Where">Document and line.</param>
/// <param name="Text">The command, without the comment after it.</param>
/// <param name="Output">The output in the document; empty if the document shows none.</param>
internal sealed partial record DocumentCommand(string Where, string Text, string Output)
{
    // The languages of blocks whose lines a shell runs. In a console block, lines that begin with a dollar are commands, and the others are
    // output.
    private static readonly string[] Shell = ["sh", "bash"];
    private const string Console = "console";
    private const string Prompt = "$ ";

    public static IReadOnlyList<DocumentCommand> All { get; } = [.. DocumentBlock.All.SelectMany(Of)];

    /// <summary>The ids of the errors that the document shows.</summary>
    public string[] ExpectedIds => [.. Id().Matches(Output).Select(match => match.Value).Distinct()];

    private static IEnumerable<DocumentCommand> Of(DocumentBlock block)
    {
        for (int i = 0; i < block.Lines.Count; i++)
        {
            int line = block.Line + i;
            string text = block.Lines[i].Trim();
            if (block.Language == Console)
            {
                Assert.True(
                    text.StartsWith(Prompt, StringComparison.Ordinal),
                    $"{block.Document}:{line}: a console block begins with '{Prompt}' and a command");
                string[] output =
                [
                    .. block.Lines.Skip(i + 1).TakeWhile(next => !next.TrimStart().StartsWith(Prompt, StringComparison.Ordinal)),
                ];
                i += output.Length;
                yield return new DocumentCommand($"{block.Document}:{line}", text[Prompt.Length..], string.Join('\n', output));
            }
            else if (Shell.Contains(block.Language) && text.Length > 0 && text[0] != '#')
            {
                while (text.EndsWith('\\'))
                {
                    text = $"{text[..^1].TrimEnd()} {block.Lines[++i].Trim()}";
                }
                yield return new DocumentCommand($"{block.Document}:{line}", Comment().Replace(text, ""), "");
            }
        }
    }

    [GeneratedRegex("ML[0-9]{4}")]
    private static partial Regex Id();

    [GeneratedRegex(@"\s+#\s.*$")]
    private static partial Regex Comment();
}
