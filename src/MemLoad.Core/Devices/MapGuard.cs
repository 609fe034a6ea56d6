namespace MemLoad;

/// <summary>
/// What is done about files that become shorter while they are mapped: whoever then touches the pages that are gone is ended by the system (SIGBUS).
/// </summary>
public enum MapGuard
{
    /// <summary>Any file is mapped; where the system tells of writers before they write, it is asked to.</summary>
    WherePossible,

    /// <summary>Only files that cannot become shorter unnoticed are mapped: for a process that must not end.</summary>
    Required,

    /// <summary>Any file is mapped and nothing done: for a process that may end.</summary>
    None,
}
