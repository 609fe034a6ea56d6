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
        if (Special(path) is string kind)
        {
            throw Rules.PathNotRegular.Broken($"the path is {kind}", path);
        }
    }

    // Links are followed, because opening follows them.
    private static string? Special(string path) => (LinuxFileStatus.Of(path)?.Mode & 0xF000) switch
    {
        0x1000 => "a named pipe",
        0x2000 => "a character device",
        0x6000 => "a block device",
        0xC000 => "a socket",
        _ => null,
    };
}
