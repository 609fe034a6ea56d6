namespace MemLoad;

/// <summary>What a path is besides a file or a folder: to be known before it is opened, because opening a pipe waits for its other end.</summary>
internal static class FileKind
{
    /// <summary>Refuses pipes, devices and sockets. Where the system cannot be asked (other than Linux), opening tells.</summary>
    /// <exception cref="MemLoadException">ML1010.</exception>
    public static void MustBeRegular(string path)
    {
        if (Special(path) is string kind)
        {
            throw Rules.PathNotRegular.Broken($"the path is {kind}", path);
        }
    }

    // Links are followed: what counts is what would be opened.
    private static string? Special(string path) => (LinuxFileStatus.Of(path)?.Mode & 0xF000) switch
    {
        0x1000 => "a named pipe",
        0x2000 => "a character device",
        0x6000 => "a block device",
        0xC000 => "a socket",
        _ => null,
    };
}
