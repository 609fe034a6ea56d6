namespace MemLoad;

/// <summary>
/// The protection of mapped files. If a mapped file becomes shorter, the system ends the process that uses the missing pages (SIGBUS).
/// </summary>
public enum MapGuard
{
    /// <summary>Maps every file. If the system can notify about writers, it does.</summary>
    WherePossible,

    /// <summary>Maps only files that cannot become shorter without a notification. For a process that must not end.</summary>
    Required,

    /// <summary>Maps every file without protection. For a process that may end.</summary>
    None,
}
