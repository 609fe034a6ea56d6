namespace MemLoad;

/// <summary>How many files this process may have open (<c>ulimit -n</c>), and what the system says when there are too many.</summary>
internal static class OpenFiles
{
    private const int ProcessHasTooMany = 24; // EMFILE
    private const int MachineHasTooMany = 23; // ENFILE

    // The runtime's own: assemblies, pipes of a child, what other threads open meanwhile.
    private const int Reserve = 16;

    /// <summary>How many more may be opened; null where nothing is known (other systems than Linux).</summary>
    public static int? Available
    {
        get
        {
            try
            {
                if (!OperatingSystem.IsLinux())
                {
                    return null;
                }
                string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(text => text.StartsWith("Max open files", StringComparison.Ordinal));
                return long.TryParse(line?["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], out long most)
                    ? (int)Math.Clamp(most - Directory.EnumerateFileSystemEntries("/proc/self/fd").Count() - Reserve, 0, int.MaxValue)
                    : null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return IsExhausted(e) ? 0 : null;
            }
        }
    }

    /// <summary>True if a file could not be opened because too many are.</summary>
    public static bool IsExhausted(Exception failure) => failure is IOException && !OperatingSystem.IsWindows() && IsExhausted(failure.HResult);

    /// <summary>True for the error number of a call that could not open a file because too many are open.</summary>
    public static bool IsExhausted(int error) => error is ProcessHasTooMany or MachineHasTooMany;

    /// <summary>Says so.</summary>
    public static MemLoadException Exhausted(string? path, Exception failure) =>
        Rules.FilesExhausted.Broken($"the file cannot be opened beside those that are open: {failure.Message.TrimEnd('.')}", path, innerException: failure);
}
