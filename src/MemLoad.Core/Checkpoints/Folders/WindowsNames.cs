namespace MemLoad;

/// <summary>
/// Detects Windows paths that do not name a file. Only the text of the path is used, because opening a device can wait for it, or change
/// it.
/// </summary>
internal static class WindowsNames
{
    /// <summary>Returns the kind of a path that is neither a file nor a folder, for messages; null if it can be one of these.</summary>
    /// <param name="fullPath">An absolute path as the system makes it: <c>COM1</c> has become <c>\\.\COM1</c>.</param>
    public static string? Special(string fullPath)
    {
        string path = fullPath.Replace('/', '\\');
        bool isRaw = path.StartsWith(@"\\?\", StringComparison.Ordinal) || path.StartsWith(@"\\.\", StringComparison.Ordinal);
        string rest = isRaw ? path[4..] : path;
        bool isShare = isRaw
            ? rest.StartsWith(@"UNC\", StringComparison.OrdinalIgnoreCase)
            : rest.StartsWith(@"\\", StringComparison.Ordinal);
        if (isShare)
        {
            string[] parts = (isRaw ? rest[4..] : rest[2..]).Split('\\');
            if (parts.Length > 1 && parts[1].Equals("pipe", StringComparison.OrdinalIgnoreCase))
            {
                return "a named pipe";
            }
        }
        else if (isRaw)
        {
            if (rest.StartsWith(@"pipe\", StringComparison.OrdinalIgnoreCase))
            {
                return "a named pipe";
            }
            // A path below a drive or a volume can be a file there. Every other path is a device.
            if (!IsOnDrive(rest)
                && !(rest.StartsWith("Volume{", StringComparison.OrdinalIgnoreCase) && rest.Contains('\\', StringComparison.Ordinal)))
            {
                return "a device";
            }
        }
        return rest.AsSpan(IsOnDrive(rest) ? 2 : 0).Contains(':') ? "a stream inside a file" : null;
    }

    /// <summary>
    /// Returns the root of a path without the prefix for literal paths, such as <c>C:\</c> for <c>\\?\C:\x</c>; null for a path on a share.
    /// </summary>
    public static string? LocalRoot(string fullPath)
    {
        string path = fullPath.Replace('/', '\\');
        bool isRaw = path.StartsWith(@"\\?\", StringComparison.Ordinal) || path.StartsWith(@"\\.\", StringComparison.Ordinal);
        string rest = isRaw ? path[4..] : path;
        if (IsOnDrive(rest))
        {
            return rest[..3];
        }
        // A volume that is named by its number belongs to this machine.
        return
            isRaw
            && rest.StartsWith("Volume{", StringComparison.OrdinalIgnoreCase)
            && rest.IndexOf('\\', StringComparison.Ordinal) is > 0 and int end
            ? path[..(4 + end + 1)]
            : null;
    }

    private static bool IsOnDrive(string path) => path.Length > 2 && char.IsAsciiLetter(path[0]) && path[1] == ':' && path[2] == '\\';
}
