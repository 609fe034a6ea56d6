namespace MemLoad;

/// <summary>Absolute paths of what users name.</summary>
public static class FullPath
{
    /// <summary>The absolute path, by the current folder.</summary>
    /// <param name="path">What was given.</param>
    /// <param name="rule">The rule that a path breaks which names nothing; ML1001 if not given.</param>
    /// <exception cref="MemLoadException">It has a NUL character, which no name has, or it is relative and the current folder is gone.</exception>
    public static string Of(string path, Rule? rule = null)
    {
        RequireName(path, rule);
        try
        {
            return Path.GetFullPath(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw (rule ?? Rules.PathNotFound).Broken($"the path cannot be made absolute: {e.Message.TrimEnd('.')}", path, innerException: e);
        }
    }

    /// <summary>Refuses what can be the name of nothing, before anybody is asked for it.</summary>
    /// <param name="path">What was given.</param>
    /// <param name="rule">The rule that it breaks; ML1001 if not given.</param>
    /// <exception cref="MemLoadException">It has a NUL character.</exception>
    public static void RequireName(string path, Rule? rule = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw (rule ?? Rules.PathNotFound).Broken("the path has a NUL character, which no file's name can have", path.Replace('\0', '\uFFFD'));
        }
    }
}
