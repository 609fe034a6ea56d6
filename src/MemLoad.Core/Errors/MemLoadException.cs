using System.Globalization;

namespace MemLoad;

/// <summary>
/// The one exception MemLoad throws for bad input and for memory that is not there. It names the rule, the place and the remedy,
/// and fits on one line. What it says is printable and of bounded length, whatever the file holds (<see cref="Printable"/>).
/// </summary>
public sealed class MemLoadException : Exception
{
    private const int LongestFinding = 4000;
    private const int LongestRemedy = 1000;

    // As many as Linux allows (PATH_MAX).
    private const int LongestPath = 4096;

    /// <summary>Creates the exception for one broken rule.</summary>
    /// <param name="rule">The rule that failed.</param>
    /// <param name="finding">What was found and what was expected, as a clause without a full stop.</param>
    /// <param name="path">The file or folder at fault, if there is one.</param>
    /// <param name="offset">The byte offset in that file, if one is known.</param>
    /// <param name="innerException">The failure underneath, if there is one. It is left out where its own message is not printable, or is too long.</param>
    /// <param name="remedy">What to do in this very case; the rule's own remedy if not given.</param>
    internal MemLoadException(
        Rule rule, string finding, string? path = null, long? offset = null, Exception? innerException = null, Remedy? remedy = null)
        : base(Compose(rule, finding, path, offset, remedy), IsPrintable(innerException) ? innerException : null)
    {
        Rule = rule;
        Finding = Printable.Line(finding, LongestFinding);
        Path = path is null ? null : Printable.Text(path, LongestPath);
        Offset = offset;
        Remedy = Printable.Line((remedy ?? rule.Remedy).ToString(), LongestRemedy);
    }

    /// <summary>The rule that failed.</summary>
    public Rule Rule { get; }

    /// <summary>What was found and what was expected, without place and remedy.</summary>
    public string Finding { get; }

    /// <summary>The file or folder at fault, as it is printed, or null.</summary>
    public string? Path { get; }

    /// <summary>The byte offset in <see cref="Path"/>, or null.</summary>
    public long? Offset { get; }

    /// <summary>What to do about it.</summary>
    public string Remedy { get; }

    private static string Compose(Rule rule, string finding, string? path, long? offset, Remedy? remedy)
    {
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(finding);
        string shown = Printable.Text(path, LongestPath);
        string place = (path, offset) switch
        {
            (null, _) => "",
            (_, null) => $" ({shown})",
            _ => string.Create(CultureInfo.InvariantCulture, $" ({shown}, byte {offset})"),
        };
        return $"{Printable.Line(finding, LongestFinding)}{place}. {Printable.Line((remedy ?? rule.Remedy).ToString(), LongestRemedy)}";
    }

    // Shells print inner exceptions too (Get-Error): those of the libraries below quote files and their names as they are.
    private static bool IsPrintable(Exception? exception)
    {
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is not MemLoadException && Printable.Line(inner.Message, LongestFinding) != inner.Message)
            {
                return false;
            }
        }
        return true;
    }
}
