namespace MemLoad;

/// <summary>The limit of open files of this process (<c>ulimit -n</c>), and the errors of the system above it.</summary>
internal static class OpenFiles
{
    private const int ProcessHasTooMany = 24; // EMFILE
    private const int MachineHasTooMany = 23; // ENFILE
    private const string Descriptors = "/proc/self/fd";

    // The reserve for files of the runtime: assemblies, pipes of a child process, and files that other threads open at the same time.
    private const int Reserve = 16;

    /// <summary>The number of files that can still be opened. Null on systems other than Linux.</summary>
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
                string? line = File.ReadLines("/proc/self/limits")
                    .FirstOrDefault(text => text.StartsWith("Max open files", StringComparison.Ordinal));
                return long.TryParse(line?["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], out long most)
                    ? (int)Math.Clamp(most - CountOpen() - Reserve, 0, int.MaxValue)
                    : null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return IsExhausted(e) ? 0 : null;
            }
        }
    }

    // Since Linux 6.2 the length of this folder is the number of its entries. Listing them takes two system calls per open file.
    private static long CountOpen() =>
        LinuxFileStatus.Of(Descriptors) is { Length: > 0 } folder
            ? folder.Length : Directory.EnumerateFileSystemEntries(Descriptors).Count();

    /// <summary>True if a file could not be opened because too many files are open.</summary>
    public static bool IsExhausted(Exception failure) =>
        failure is IOException && !OperatingSystem.IsWindows() && IsExhausted(failure.HResult);

    /// <summary>True for the error number of a call that could not open a file because too many are open.</summary>
    public static bool IsExhausted(int error) => error is ProcessHasTooMany or MachineHasTooMany;

    /// <summary>Creates the error for too many open files.</summary>
    public static MemLoadException Exhausted(string? path, Exception failure) =>
        Rules.FilesExhausted.Broken(
            $"the file cannot be opened in addition to those that are open: {SystemReason.Of(failure)}", path, innerException: failure);
}
