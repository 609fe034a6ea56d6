using System.Globalization;

namespace MemLoad;

/// <summary>
/// The one exception MemLoad throws for bad input and for memory that is not there. It names the rule, the place and the remedy,
/// and fits on one line.
/// </summary>
public sealed class MemLoadException : Exception
{
    /// <summary>Creates the exception for one broken rule.</summary>
    /// <param name="rule">The rule that failed.</param>
    /// <param name="finding">What was found and what was expected, as a clause without a full stop.</param>
    /// <param name="path">The file or folder at fault, if there is one.</param>
    /// <param name="offset">The byte offset in that file, if one is known.</param>
    /// <param name="innerException">The failure underneath, if there is one.</param>
    /// <param name="remedy">What to do in this very case; the rule's own remedy if not given.</param>
    public MemLoadException(
        Rule rule, string finding, string? path = null, long? offset = null, Exception? innerException = null, string? remedy = null)
        : base(Compose(rule, finding, path, offset, remedy), innerException)
    {
        Rule = rule;
        Finding = finding;
        Path = path;
        Offset = offset;
        Remedy = remedy ?? rule.Remedy;
    }

    /// <summary>The rule that failed.</summary>
    public Rule Rule { get; }

    /// <summary>What was found and what was expected, without place and remedy.</summary>
    public string Finding { get; }

    /// <summary>The file or folder at fault, or null.</summary>
    public string? Path { get; }

    /// <summary>The byte offset in <see cref="Path"/>, or null.</summary>
    public long? Offset { get; }

    /// <summary>What to do about it.</summary>
    public string Remedy { get; }

    private static string Compose(Rule rule, string finding, string? path, long? offset, string? remedy)
    {
        ArgumentNullException.ThrowIfNull(rule);
        string place = (path, offset) switch
        {
            (null, _) => "",
            (_, null) => $" ({path})",
            _ => string.Create(CultureInfo.InvariantCulture, $" ({path}, byte {offset})"),
        };
        // Names and paths come from files: a line break in one must not forge a second line of output.
        return $"{finding}{place}. {remedy ?? rule.Remedy}".ReplaceLineEndings(" ");
    }
}
