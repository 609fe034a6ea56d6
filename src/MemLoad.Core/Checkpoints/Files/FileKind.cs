namespace MemLoad;

/// <summary>
/// Detects paths that are neither a file nor a folder. This must be known first, because opening a pipe waits for its other end.
/// </summary>
internal static class FileKind
{
    /// <summary>Refuses pipes, devices and sockets. On systems other than Linux, opening the path detects them.</summary>
    /// <exception cref="MemLoadException">ML1010.</exception>
    public static void MustBeRegular(string path)
    {
        MustBeNamedAsFile(OperatingSystem.IsWindows() ? FullPath.Of(path) : path);
        if (Special(path) is string kind)
        {
            throw Rules.PathNotRegular.Broken($"the path is {kind}", path);
        }
    }

    /// <summary>Refuses, before the system is asked anything about it, a path that is a device's name by its text (Windows).</summary>
    /// <param name="fullPath">An absolute path.</param>
    /// <exception cref="MemLoadException">ML1010.</exception>
    public static void MustBeNamedAsFile(string fullPath)
    {
        if (OperatingSystem.IsWindows() && WindowsNames.Special(fullPath) is string kind)
        {
            throw Rules.PathNotRegular.Broken($"the path is {kind}", fullPath);
        }
    }

    /// <summary>
    /// Returns the kind of a path that is neither a file nor a folder, such as "a named pipe". Null for other paths, and on systems other
    /// than Linux. Links are followed, because the target of a link would be opened.
    /// </summary>
    public static string? Special(string path) => (LinuxFileStatus.Of(path)?.Mode & 0xF000) switch
    {
        0x1000 => "a named pipe",
        0x2000 => "a character device",
        0x6000 => "a block device",
        0xC000 => "a socket",
        _ => null,
    };
}
