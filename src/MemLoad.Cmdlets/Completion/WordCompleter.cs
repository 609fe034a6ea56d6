using System.Buffers;
using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace MemLoad.Completion;

/// <summary>Offers the words of a list that begin with what is typed. A completer never fails: what it cannot find out it does not offer.</summary>
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
                .Select(word => new CompletionResult(Quoted(word.Text), word.Text, CompletionResultType.ParameterValue, word.ToolTip))];
        }
        catch (Exception e) when (e is MemLoadException or RuntimeException or IOException or UnauthorizedAccessException)
        {
            results = [];
        }
        return results;
    }

    /// <summary>The words, each with what to say of it.</summary>
    /// <param name="bound">The parameters typed so far.</param>
    protected abstract IEnumerable<(string Text, string ToolTip)> Words(IDictionary bound);

    private static string Quoted(string word) =>
        word.AsSpan().ContainsAny(Special) || word.Length == 0 ? $"'{CodeGeneration.EscapeSingleQuotedStringContent(word)}'" : word;
}
