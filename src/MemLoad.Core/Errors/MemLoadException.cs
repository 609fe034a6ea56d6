namespace MemLoad;

/// <summary>
/// The exception for bad input and for memory that is not available. Its message names the rule, the place and the remedy, on one line. The
/// message is printable and of bounded length for every file (<see cref="Printable"/>).
/// </summary>
public sealed class MemLoadException : Exception
{
    private const int LongestFinding = 4000;
    private const int LongestRemedy = 1000;

    // The maximum length of a path on Linux (PATH_MAX).
    private const int LongestPath = 4096;

    /// <summary>Creates the exception for a broken rule.</summary>
    /// <param name="rule">The rule that is broken.</param>
    /// <param name="finding">The finding and the expected value, as a clause without a full stop.</param>
    /// <param name="path">The file or folder with the problem; null if there is none.</param>
    /// <param name="offset">The byte offset in that file; null if it is not known.</param>
    /// <param name="innerException">The underlying exception, if there is one. It is omitted if its message is not printable or is too
    /// long.</param>
    /// <param name="remedy">The remedy for this case; by default the remedy of the rule.</param>
    internal MemLoadException(
        Rule rule, string finding, string? path = null, long? offset = null, Exception? innerException = null, Remedy? remedy = null)
        : base(Compose(rule, finding, path, offset, remedy), IsPrintable(innerException) ? innerException : null)
    {
        path = path is null ? null : RemoteAddress.Shown(path);
        Rule = rule;
        Finding = Printable.Line(finding, LongestFinding);
        Path = path is null ? null : Printable.Text(path, LongestPath);
        Offset = offset;
        Remedy = Printable.Line((remedy ?? rule.Remedy).ToString(), LongestRemedy);
    }

    /// <summary>The rule that is broken.</summary>
    public Rule Rule { get; }

    /// <summary>The finding and the expected value, without place and remedy.</summary>
    public string Finding { get; }

    /// <summary>The file or folder with the problem, as it is printed; null if there is none.</summary>
    public string? Path { get; }

    /// <summary>The byte offset in <see cref="Path"/>, or null.</summary>
    public long? Offset { get; }

    /// <summary>The action that the user can take.</summary>
    public string Remedy { get; }

    private static string Compose(Rule rule, string finding, string? path, long? offset, Remedy? remedy)
    {
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(finding);
        string shown = Printable.Text(path is null ? null : RemoteAddress.Shown(path), LongestPath);
        string place = (path, offset) switch
        {
            (null, _) => "",
            (_, null) => $" ({shown})",
            _ => $" ({shown}, byte {offset})",
        };
        return $"{Printable.Line(finding, LongestFinding)}{place}. {Printable.Line((remedy ?? rule.Remedy).ToString(), LongestRemedy)}";
    }

    // Shells also print inner exceptions (Get-Error). Exceptions of other libraries quote files and their names unchanged.
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
