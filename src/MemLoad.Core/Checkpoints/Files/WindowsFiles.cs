using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// Functions of Windows for files that .NET does not have. Libraries are loaded from the system folder, because other users may control the
/// current folder.
/// </summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class WindowsFiles
{
    private const int LongestPlainPath = 240; // longer paths, such as those of files in the folder, need a prefix
    private const uint Delete = 0x10000;
    private const uint ShareAll = 7;
    private const uint OpenExisting = 3;
    private const int RenameInformationEx = 22;
    private const int IdInformation = 18;
    private const uint ReplaceWithPosixSemantics = 1 | 2; // FILE_RENAME_FLAG_REPLACE_IF_EXISTS | FILE_RENAME_FLAG_POSIX_SEMANTICS
    private const uint VolumeAsGuid = 1;
    private const int NotSupported = 50;
    private const int InvalidParameter = 87;
    private const int InvalidFunction = 1;
    private const int CallNotImplemented = 120;

    /// <summary>
    /// Renames a file over another, even if programs have the other file open. They keep the old file (NTFS, Windows 10 1607 and newer).
    /// </summary>
    /// <returns>False if the system or the file system does not support this rename. Nothing has changed then.</returns>
    /// <exception cref="IOException">The file is not renamed. The message is that of the system.</exception>
    /// <exception cref="UnauthorizedAccessException">The system denies it.</exception>
    public static bool TryReplace(string path, string name)
    {
        using SafeFileHandle file = Open(Extended(path), Delete, ShareAll, 0, OpenExisting, 0, 0);
        if (file.IsInvalid)
        {
            throw Failure(Marshal.GetLastPInvokeError());
        }
        string target = Extended(name);
        // FILE_RENAME_INFO has flags, a root folder, the length of the name in bytes, the name, and its NUL.
        int start = (2 * sizeof(nint)) + sizeof(uint);
        byte[] information = new byte[start + ((target.Length + 1) * sizeof(char))];
        MemoryMarshal.Write(information, ReplaceWithPosixSemantics);
        MemoryMarshal.Write(information.AsSpan(2 * sizeof(nint)), (uint)(target.Length * sizeof(char)));
        MemoryMarshal.AsBytes(target.AsSpan()).CopyTo(information.AsSpan(start));
        fixed (byte* address = information)
        {
            if (SetInformation(file, RenameInformationEx, address, (uint)information.Length))
            {
                return true;
            }
        }
        int error = Marshal.GetLastPInvokeError();
        return error is NotSupported or InvalidParameter or InvalidFunction or CallNotImplemented ? false : throw Failure(error);
    }

    /// <summary>
    /// Returns the bytes that this user may still write in a folder, on the volume that is mounted there. Quotas are included. Null if the
    /// system does not report them.
    /// </summary>
    public static long? FreeBytes(string folder)
    {
        ulong free;
        ulong total;
        // Some network and user-space file systems report zero for all figures.
        return GetFreeSpace(Extended(Path.TrimEndingDirectorySeparator(folder) + '\\'), &free, &total, null) && total > 0
            ? (long)Math.Min(free, long.MaxValue)
            : null;
    }

    /// <summary>Returns the serial number of the volume and the number of the file on it; zeros if the file system has none.</summary>
    public static (ulong Volume, ulong File) IdOf(SafeFileHandle file)
    {
        FileId id = default;
        // NTFS uses the lower half of 128 bits, ReFS both.
        return GetInformation(file, IdInformation, &id, (uint)sizeof(FileId))
            ? (id.Volume, id.Low ^ (id.High * 0x9E3779B97F4A7C15))
            : default;
    }

    /// <summary>
    /// Returns the path of an open file, with links and mapped drives resolved. It has a drive letter or the form
    /// <c>\\?\UNC\server\share</c>. Null if the system does not report it.
    /// </summary>
    public static string? FinalPath(SafeFileHandle file) => FinalPath(file, 0) ?? FinalPath(file, VolumeAsGuid);

    /// <summary>Returns the type of the file system of an open file, such as <c>NTFS</c>; null if the system does not report it.</summary>
    public static string? FileSystemOf(SafeFileHandle file)
    {
        const int Longest = 261; // MAX_PATH and the NUL
        char* name = stackalloc char[Longest];
        return GetVolumeInformation(file, null, 0, null, null, null, name, Longest) && name[0] != 0 ? new string(name) : null;
    }

    private static string? FinalPath(SafeFileHandle file, uint form)
    {
        char[] text = new char[1024];
        while (true)
        {
            uint length;
            fixed (char* address = text)
            {
                length = GetFinalPath(file, address, (uint)text.Length, form);
            }
            if (length == 0)
            {
                return null;
            }
            if (length < text.Length)
            {
                return new string(text, 0, (int)length);
            }
            text = new char[length + 1];
        }
    }

    private static string Extended(string path) =>
        path.Length < LongestPlainPath
        || path.StartsWith(@"\\?\", StringComparison.Ordinal)
        || path.StartsWith(@"\\.\", StringComparison.Ordinal)
            ? path
        : path.StartsWith(@"\\", StringComparison.Ordinal) ? string.Concat(@"\\?\UNC\", path.AsSpan(2))
        : @"\\?\" + path;

    private static Exception Failure(int error)
    {
        const int AccessDenied = 5;
        string message = Marshal.GetPInvokeErrorMessage(error);
        return error == AccessDenied
            ? new UnauthorizedAccessException(message)
            : new IOException(message, unchecked((int)0x80070000) | error);
    }

    [LibraryImport("kernel32", EntryPoint = "CreateFileW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial SafeFileHandle Open(
        string path, uint access, uint share, nint security, uint disposition, uint flags, nint template);

    [LibraryImport("kernel32", EntryPoint = "SetFileInformationByHandle", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool SetInformation(SafeFileHandle file, int kind, void* information, uint length);

    [LibraryImport("kernel32", EntryPoint = "GetFileInformationByHandleEx")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetInformation(SafeFileHandle file, int kind, void* information, uint length);

    [LibraryImport("kernel32", EntryPoint = "GetFinalPathNameByHandleW")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial uint GetFinalPath(SafeFileHandle file, char* path, uint length, uint form);

    [LibraryImport("kernel32", EntryPoint = "GetDiskFreeSpaceExW", StringMarshalling = StringMarshalling.Utf16)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetFreeSpace(string folder, ulong* free, ulong* total, ulong* totalFree);

    [LibraryImport("kernel32", EntryPoint = "GetVolumeInformationByHandleW")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetVolumeInformation(
        SafeFileHandle file, char* label, uint labelLength, uint* serial, uint* longestName, uint* flags, char* name, uint nameLength);

    /// <summary>FILE_ID_INFO.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FileId
    {
        public ulong Volume;
        public ulong Low;
        public ulong High;
    }
}
