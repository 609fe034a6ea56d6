using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>System calls of Linux that .NET does not provide.</summary>
internal static partial class NativeFiles
{
    internal const int ReadOnlyCloseOnExec = 0x80000; // O_RDONLY | O_CLOEXEC, the same on x64 and arm64
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint NoReplace = 1; // RENAME_NOREPLACE
    private const uint Exchange = 2; // RENAME_EXCHANGE
    private const int Exists = 17; // EEXIST
    private const int WriteOnlyCloseOnExecDoNotWait = 0x80801; // O_WRONLY | O_CLOEXEC | O_NONBLOCK
    private const int ExclusiveDoNotWait = 6; // LOCK_EX | LOCK_NB
    private const uint Unchanged = uint.MaxValue;

    private static readonly int DoNotFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000; // O_NOFOLLOW

    /// <summary>Returns the permissions of a file or folder. Null on Windows, or if the path no longer exists.</summary>
    public static UnixFileMode? ModeOf(string path)
    {
        try
        {
            return OperatingSystem.IsWindows() ? null : File.GetUnixFileMode(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Flushes renames in a folder to the disk, if the system supports it. A failure is not an error of the write.</summary>
    public static void SyncFolder(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }
        using SafeFileHandle opened = Open(folder, ReadOnlyCloseOnExec);
        if (!opened.IsInvalid)
        {
            _ = DiskRequests.SyncFolder((int)opened.DangerousGetHandle());
        }
    }

    /// <summary>Exchanges two paths in one step. Returns false if the system or file system does not support it.</summary>
    public static bool TryExchange(string one, string other) => Rename(one, other, Exchange) == 0;

    /// <summary>Renames in one step, unless the new name exists.</summary>
    /// <returns>Whether it was renamed. Null if the system or file system does not support it.</returns>
    public static bool? TryRenameToNew(string path, string name) =>
        Rename(path, name, NoReplace) switch
        {
            0 => true,
            Exists => false,
            _ => null,
        };

    /// <summary>
    /// Opens a regular file for writing and locks it as .NET does (Linux). Follows no link, and waits neither for a lock nor for the other
    /// end of a pipe.
    /// </summary>
    /// <returns>The file. Null if it is not a regular file, cannot be opened, or is locked.</returns>
    public static SafeFileHandle? TryHold(string path)
    {
        SafeFileHandle file = Open(path, WriteOnlyCloseOnExecDoNotWait | DoNotFollow);
        if (!file.IsInvalid && LinuxFileStatus.Of(file) is { IsRegular: true } && LockFile(file, ExclusiveDoNotWait) == 0)
        {
            return file;
        }
        file.Dispose();
        return null;
    }

    /// <summary>
    /// Sets the owner and group of an open file or folder to those of another (Linux). Sets only the group if this user may not change
    /// owners.
    /// </summary>
    /// <returns>Whether it has that group.</returns>
    public static bool TryGiveTo(SafeFileHandle file, LinuxFileStatus other) => LinuxFileStatus.Of(file) is { } own
        && ((own.UserId == other.UserId && own.GroupId == other.GroupId)
            || ChangeOwner(file, other.UserId, other.GroupId) == 0
            || own.GroupId == other.GroupId
            || ChangeOwner(file, Unchanged, other.GroupId) == 0);

    /// <summary>As <see cref="TryGiveTo(SafeFileHandle, LinuxFileStatus)"/>, for a folder by its name.</summary>
    public static bool TryGiveTo(string folder, LinuxFileStatus other)
    {
        using SafeFileHandle handle = Open(folder, ReadOnlyCloseOnExec | DoNotFollow);
        return !handle.IsInvalid && TryGiveTo(handle, other);
    }

    // 0, or an error number.
    private static int Rename(string path, string name, uint flags)
    {
        const int Unknown = -1;
        if (!OperatingSystem.IsLinux())
        {
            return Unknown;
        }
        try
        {
            return RenameAt2(CurrentFolder, path, CurrentFolder, name, flags) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        catch (EntryPointNotFoundException)
        {
            return Unknown; // the C library is older than 2018
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    internal static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "flock")]
    private static partial int LockFile(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "fchown")]
    private static partial int ChangeOwner(SafeFileHandle file, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RenameAt2(int oneFolder, string one, int otherFolder, string other, uint flags);
}
