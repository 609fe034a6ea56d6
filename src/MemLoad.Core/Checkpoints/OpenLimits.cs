namespace MemLoad;

/// <summary>
/// The limits on what the headers of a checkpoint may claim. The defaults depend on the sizes of the files, and every known legitimate file
/// is within them. The caller raises a limit for one call. <see cref="Variable"/> raises limits for a process and its child processes.
/// </summary>
public sealed record OpenLimits
{
    /// <summary>The environment variable: names and whole numbers, such as <c>expanded-bytes=68719476736,nesting=500</c>.</summary>
    public const string Variable = "MEMLOAD_LIMITS";

    private const int UsualNesting = 200;
    private const int DeepestNesting = 5000; // names grow with the depth, and the cost with its square

    private const int LongestWait = 86_400;

    /// <summary>
    /// Bytes of memory for the headers. Null means 16 MiB and eight times the length of the headers. Written <c>header-memory</c>.
    /// </summary>
    public long? HeaderMemoryBytes { get; init; }

    /// <summary>Bytes that expanded views may add. Null means 1 GiB and 1,024 times the files. Written <c>expanded-bytes</c>.</summary>
    public long? ExpandedBytes { get; init; }

    /// <summary>The nesting depth of containers in a PyTorch file. Written <c>nesting</c>.</summary>
    public int Nesting { get; init; } = UsualNesting;

    /// <summary>Characters of the name of a tensor. Written <c>name-length</c>.</summary>
    public int NameLength { get; init; } = 4096;

    /// <summary>Bytes that are fetched from a server for the headers of one checkpoint. Written <c>remote-bytes</c>.</summary>
    public long RemoteBytes { get; init; } = 256L << 20;

    /// <summary>Seconds that a server has for one answer of at most 4 MiB. Written <c>remote-seconds</c>.</summary>
    public int RemoteSeconds { get; init; } = 60;

    /// <summary>
    /// Whether a PyTorch file opens if it has objects other than tensors. These are instances of classes that MemLoad does not know. They
    /// are left out, and no code runs. Tensors inside objects are left out, too. False refuses such a file (ML3003). It is not a part of
    /// <see cref="Variable"/>.
    /// </summary>
    public bool AllowOpaque { get; init; }

    /// <summary>The defaults with the changes of <see cref="Variable"/>.</summary>
    /// <exception cref="MemLoadException">ML1014: the value is not a list of limits and numbers.</exception>
    public static OpenLimits FromEnvironment() => Parse(Environment.GetEnvironmentVariable(Variable) ?? "");

    /// <summary>Reads names and numbers.</summary>
    /// <exception cref="MemLoadException">ML1014.</exception>
    public static OpenLimits Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var limits = new OpenLimits();
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length != 2 || !long.TryParse(pair[1], NumberStyles.None, CultureInfo.InvariantCulture, out long value))
            {
                throw Unknown(part);
            }
            limits = pair[0].ToLowerInvariant() switch
            {
                "header-memory" => limits with { HeaderMemoryBytes = value },
                "expanded-bytes" => limits with { ExpandedBytes = value },
                "nesting" when value <= DeepestNesting => limits with { Nesting = (int)value },
                "name-length" when value <= int.MaxValue => limits with { NameLength = (int)value },
                "remote-bytes" => limits with { RemoteBytes = value },
                "remote-seconds" when value is > 0 and <= LongestWait => limits with { RemoteSeconds = (int)value },
                _ => throw Unknown(part),
            };
        }
        return limits;
    }

    /// <summary>The sentence that describes how to allow deeper nesting; null if this is the deepest.</summary>
    internal string? RaiseNesting() =>
        Nesting < DeepestNesting ? Raise("nesting", Math.Clamp(2L * Nesting, UsualNesting, DeepestNesting)) : null;

    /// <summary>The sentence that describes how to raise a limit.</summary>
    internal static string Raise(string name, long value) =>
        string.Create(
            CultureInfo.InvariantCulture, $"If you trust the file, raise the limit: set {Variable} to {name}={value} or more");

    private static MemLoadException Unknown(string part) => Rules.LimitUnknown.Broken($"{Variable} contains {Printable.Quote(part)}");
}
