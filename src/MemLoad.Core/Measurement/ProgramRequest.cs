namespace MemLoad;

/// <summary>A program to measure, such as a loader of another library.</summary>
/// <param name="FileName">The program: a path, or a name that is looked up on PATH.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record ProgramRequest(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>The name in the row. By default the name of the program, and that of its first argument unless it is an option.</summary>
    public string Name { get => field ?? NameOf(FileName, Arguments); init; }

    /// <summary>The device that the program loads to, which the row states. The memory of a card (<c>cuda:N</c>) is measured.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>
    /// The checkpoint that the program loads, so that the row has its size and its pages in the cache; null if it is not known.
    /// </summary>
    public string? Path { get; init; }

    /// <summary>The state of the page cache to measure in. Without <see cref="Path"/> it is as it is.</summary>
    public CacheState Cache { get; init; } = CacheState.AsIs;

    /// <summary>The user's name for what is loaded, which the row states; null for none.</summary>
    public string? Model { get; init; }

    /// <summary>The bounds above which the row of the program is a warning; null for no bounds.</summary>
    public LoadBounds? WarnAbove { get; init; }

    /// <summary>The bounds above which the row of the program fails; null for no bounds.</summary>
    public LoadBounds? FailAbove { get; init; }

    /// <summary>The number of the repetition, from 1.</summary>
    public int Run { get; init; } = 1;

    /// <summary>The folder that the program starts in; null for the current folder.</summary>
    public string? Folder { get; init; }

    private static string NameOf(string file, IReadOnlyList<string> arguments)
    {
        string program = System.IO.Path.GetFileName(file);
        return arguments is [string first, ..] && !first.StartsWith('-') ? $"{program} {System.IO.Path.GetFileName(first)}" : program;
    }
}
