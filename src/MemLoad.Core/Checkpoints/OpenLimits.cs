using System.Globalization;

namespace MemLoad;

/// <summary>
/// How much opening a checkpoint may believe of what its headers claim. The defaults follow the files' sizes and hold for every honest file we know
/// of; each limit is raised by its name, for one opening by whoever calls, or for a process and its children by <see cref="Variable"/>.
/// </summary>
public sealed record OpenLimits
{
    /// <summary>The environment variable: names and whole numbers, such as <c>expanded-bytes=68719476736,nesting=500</c>.</summary>
    public const string Variable = "MEMLOAD_LIMITS";

    private const int DeepestNesting = 5000; // names grow with it, and the cost with its square

    /// <summary>Bytes of memory for what the headers say; null for 16 MiB and eight times the headers' own length. Written <c>header-memory</c>.</summary>
    public long? HeaderMemoryBytes { get; init; }

    /// <summary>Bytes that expanded views may add to the bytes that are there; null for 1 GiB and 1,024 times the files. Written <c>expanded-bytes</c>.</summary>
    public long? ExpandedBytes { get; init; }

    /// <summary>Containers inside one another in a PyTorch file. Written <c>nesting</c>.</summary>
    public int Nesting { get; init; } = 200;

    /// <summary>Characters of a tensor's name. Written <c>name-length</c>.</summary>
    public int NameLength { get; init; } = 4096;

    /// <summary>The defaults, changed by what <see cref="Variable"/> says.</summary>
    /// <exception cref="MemLoadException">ML1014: it says something else than limits and numbers.</exception>
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
                _ => throw Unknown(part),
            };
        }
        return limits;
    }

    /// <summary>The sentence that tells a user how to raise a limit.</summary>
    internal static string Raise(string name, long value) =>
        string.Create(CultureInfo.InvariantCulture, $"If you trust the file, raise the limit by its name: set {Variable} to {name}={value} or more");

    private static MemLoadException Unknown(string part) => Rules.LimitUnknown.Broken($"{Variable} says {Printable.Quote(part)}");
}
