using System.Buffers;
using System.Collections;
using System.Management.Automation.Language;
using System.Text;

namespace MemLoad.Completion;

/// <summary>Completes the words of a list that begin with the typed text. A completer never fails: it offers only what it finds.</summary>
public abstract class WordCompleter : IArgumentCompleter
{
    private static readonly SearchValues<char> Special = SearchValues.Create(" '\"`$;,()[]{}|&<>@#");

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(fakeBoundParameters);
        string typed = (wordToComplete ?? "").Trim('\'', '"');
        CompletionResult[] results;
        try
        {
            results = [.. Words(fakeBoundParameters)
                .Where(word => word.Text.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
                .Select(word => new CompletionResult(Quoted(word.Text), Shown(word.Text), CompletionResultType.ParameterValue,
                    Shown(word.ToolTip)))];
        }
        catch (Exception e) when (e is MemLoadException or RuntimeException or IOException or UnauthorizedAccessException)
        {
            results = [];
        }
        return results;
    }

    /// <summary>Returns the words, each with its description.</summary>
    /// <param name="bound">The parameters typed so far.</param>
    protected abstract IEnumerable<(string Text, string ToolTip)> Words(IDictionary bound);

    // PowerShell rejects an empty description.
    private static string Shown(string text) => text.Length == 0 ? "''" : Printable.Text(text, Printable.LongestCell);

    private static string Quoted(string word) => Printable.Text(word, int.MaxValue) != word ? Escaped(word) : Plain(word);

    // Hidden characters are inserted as PowerShell's escapes: "`u{202e}".
    private static string Escaped(string word)
    {
        var typed = new StringBuilder("\"");
        foreach (Rune rune in word.EnumerateRunes())
        {
            string text = rune.ToString();
            _ = Printable.Text(text) != text ? typed.Append(CultureInfo.InvariantCulture, $"`u{{{rune.Value:x}}}")
                : text is "`" or "$" or "\"" or "\u201c" or "\u201d" or "\u201e" ? typed.Append('`').Append(text)
                : typed.Append(text);
        }
        return typed.Append('"').ToString();
    }

    private static string Plain(string word) =>
        word.AsSpan().ContainsAny(Special) || word.Length == 0 ? $"'{CodeGeneration.EscapeSingleQuotedStringContent(word)}'" : word;
}
