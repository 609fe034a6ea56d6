namespace MemLoad;

/// <summary>Converts write errors of the operating system to rules.</summary>
internal static class WriteFailures
{
    // Raw error numbers. .NET provides them as HResult on Unix, and as HRESULT_FROM_WIN32 on Windows.
    private const int NoSpace = 28; // ENOSPC on Linux, macOS and the BSDs
    private const int FileTooBig = 27; // EFBIG, the same
    private const int QuotaLinux = 122; // EDQUOT
    private const int QuotaMac = 69;
    private const int HeldLinux = 11; // EWOULDBLOCK
    private const int HeldMac = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private const int WindowsLockViolation = unchecked((int)0x80070021);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsFileTooLarge = unchecked((int)0x800700DF);
    private const int AllocationFailed = unchecked((int)0x80131620); // .NET's general I/O error, which a failed preallocation gives

    /// <summary>Checks the free space of the disk of a folder, if the disk reports it.</summary>
    /// <exception cref="MemLoadException">ML9104.</exception>
    public static void CheckRoom(string folder, long needed, string target)
    {
        if (FreeBytes(folder) is { } free && free < needed)
        {
            throw Rules.DiskFull.Broken(Shortage(folder, needed, free), target);
        }
    }

    /// <summary>Returns the rule for a failed creation, write, flush or rename.</summary>
    /// <param name="failure">The exception.</param>
    /// <param name="target">The path the user named.</param>
    /// <param name="needed">Bytes of the whole checkpoint.</param>
    /// <param name="whileOpening">True if the file was being created, not written.</param>
    public static MemLoadException From(Exception failure, string target, long needed, bool whileOpening = false)
    {
        bool full = failure is ArgumentOutOfRangeException || (failure is IOException && (failure.HResult is NoSpace or FileTooBig
            || failure.HResult is WindowsHandleDiskFull or WindowsDiskFull or WindowsFileTooLarge
            || (failure.HResult == QuotaLinux && OperatingSystem.IsLinux())
            || (failure.HResult == QuotaMac && OperatingSystem.IsMacOS())
            || (failure.HResult == AllocationFailed && whileOpening && failure.GetType() == typeof(IOException))));
        if (full)
        {
            string folder = Path.GetDirectoryName(target)!;
            return Rules.DiskFull.Broken(Shortage(folder, needed, FreeBytes(folder)), target, innerException: failure);
        }
        if (OpenFiles.IsExhausted(failure))
        {
            return OpenFiles.Exhausted(target, failure);
        }
        Rule rule = whileOpening || failure is UnauthorizedAccessException ? Rules.TargetUnwritable : Rules.WriteFailed;
        return rule.Broken($"writing failed: {SystemReason.Of(failure)}", target, innerException: failure);
    }

    /// <summary>True for the exceptions that file operations throw for reasons outside the program.</summary>
    /// <remarks>.NET throws an argument exception for a length that the file system or a limit of the process does not permit.</remarks>
    public static bool IsFailure(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentOutOfRangeException;

    /// <summary>True if a file could not be opened because it is locked, or because another program has it open on Windows.</summary>
    public static bool IsHeld(Exception? failure) => failure is IOException && (OperatingSystem.IsWindows()
        ? failure.HResult is WindowsSharingViolation or WindowsLockViolation
        : failure.HResult == (OperatingSystem.IsLinux() ? HeldLinux : HeldMac));

    private static string Shortage(string folder, long needed, long? free) =>
        free is { } bytes && bytes < needed
            ? string.Create(CultureInfo.InvariantCulture, $"disk full: {needed} bytes are needed and {bytes} are free")
                + (FileSystems.NameOf(folder) is string name && FileSystems.IsInMemory(name) ? $"; {name} keeps files in memory" : "")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"disk full: the disk, a quota or its largest file size does not allow the {needed} bytes needed");

    /// <summary>
    /// Returns the bytes that may still be written in a folder; null if the system does not report them. A folder in memory has at most
    /// the bytes of the memory budget, because the system ends processes when its memory runs out.
    /// </summary>
    internal static long? FreeBytes(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return WindowsFiles.FreeBytes(folder); // the drive of a folder may have another volume mounted there
        }
        try
        {
            var drive = new DriveInfo(folder);
            // Some network and user-space file systems report zero for all figures.
            long? free = drive.TotalSize > 0 ? drive.AvailableFreeSpace : null;
            return FileSystems.IsInMemory(drive.DriveFormat) && Headroom.Now().SharedBudgetBytes is long memory
                ? Math.Min(free ?? memory, memory)
                : free;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
