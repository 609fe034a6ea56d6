using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>What Linux offers for folders and .NET does not.</summary>
internal static partial class NativeFiles
{
    private const int ReadOnlyCloseOnExec = 0x80000; // O_RDONLY | O_CLOEXEC, the same on x64 and arm64
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint NoReplace = 1; // RENAME_NOREPLACE
    private const uint Exchange = 2; // RENAME_EXCHANGE
    private const int Exists = 17; // EEXIST

    /// <summary>Makes renames in a folder survive a power cut, where the system lets one ask for it. Failing to is not failing to write.</summary>
    public static void SyncFolder(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }
        int descriptor = Open(folder, ReadOnlyCloseOnExec);
        if (descriptor >= 0)
        {
            _ = Sync(descriptor);
            _ = Close(descriptor);
        }
    }

    /// <summary>Swaps two paths in one step; false where the system or file system cannot.</summary>
    public static bool TryExchange(string one, string other) => Rename(one, other, Exchange) == 0;

    /// <summary>Renames unless there is something of that name, in one step.</summary>
    /// <returns>Whether it was renamed; null where the system or file system cannot do it so.</returns>
    public static bool? TryRenameToNew(string path, string name) => Rename(path, name, NoReplace) switch { 0 => true, Exists => false, _ => null };

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
            return Unknown; // a C library from before 2018
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RenameAt2(int oneFolder, string one, int otherFolder, string other, uint flags);
}
