namespace MemLoad;

/// <summary>Makes paths that users give absolute.</summary>
internal static class FullPath
{
    /// <summary>Returns the absolute path. The rule of a path that names nothing is ML1001 by default.</summary>
    /// <exception cref="MemLoadException">The path is empty or has a NUL character, or it is relative and the current folder does not
    /// exist.</exception>
    public static string Of(string path, Rule? rule = null)
    {
        RequireName(path, rule);
        try
        {
            return Path.GetFullPath(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw (rule ?? Rules.PathNotFound).Broken(
                $"the path cannot be made absolute: {SystemReason.Of(e)}", path, innerException: e);
        }
    }

    /// <summary>Refuses a path that cannot be valid, before the file system is used. Its rule is ML1001 by default.</summary>
    /// <exception cref="MemLoadException">It is empty, or it has a NUL character.</exception>
    public static void RequireName(string path, Rule? rule = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0)
        {
            throw (rule ?? Rules.PathNotFound).Broken("the path is empty");
        }
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw (rule ?? Rules.PathNotFound).Broken(
                "the path has a NUL character, which names of files cannot have", path.Replace('\0', '\uFFFD'));
        }
    }
}
