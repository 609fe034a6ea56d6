using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>The status of a file on Linux that .NET does not provide (statx, since Linux 4.11).</summary>
/// <param name="Mode">Kind and permissions, as in <c>st_mode</c>.</param>
/// <param name="UserId">The owner.</param>
/// <param name="Attributes">Flags such as <see cref="Immutable"/>.</param>
/// <param name="Device">The file system.</param>
/// <param name="Inode">The file's number there.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ModifiedNanoseconds">The time of the last change of the content, since 1970.</param>
/// <param name="GroupId">Its group.</param>
internal readonly partial record struct LinuxFileStatus(
    ushort Mode, uint UserId, ulong Attributes, ulong Device, ulong Inode, long Length, long ModifiedNanoseconds, uint GroupId)
{
    /// <summary>No program may change the file until root removes the flag.</summary>
    public const ulong Immutable = 0x10; // STATX_ATTR_IMMUTABLE

    /// <summary>fs-verity: no program may change the file.</summary>
    public const ulong Verity = 0x100000; // STATX_ATTR_VERITY

    /// <summary>
    /// The bits of <see cref="Mode"/> that let users other than the owner write. The group bits include access control lists.
    /// </summary>
    public const int GroupOrOthersWrite = 0x12; // S_IWGRP | S_IWOTH

    private const int Kind = 0xF000; // S_IFMT
    private const int RegularFile = 0x8000; // S_IFREG
    private const int Folder = 0x4000; // S_IFDIR
    private const int DoNotFollow = 0x100; // AT_SYMLINK_NOFOLLOW

    private const int CurrentFolder = -100; // AT_FDCWD
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH: the file of the descriptor
    private const uint BasicStats = 0x7ff; // STATX_BASIC_STATS
    private const int StatxBytes = 256;
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>The effective user of this process. Root is 0.</summary>
    public static uint EffectiveUser => GetEffectiveUser();

    /// <summary>True for a regular file, which is not a link, a pipe or a device.</summary>
    public bool IsRegular => (Mode & Kind) == RegularFile;

    /// <summary>True for a folder.</summary>
    public bool IsFolder => (Mode & Kind) == Folder;

    /// <summary>True if the file belongs to the user of this process or to root.</summary>
    public bool IsTrusted => UserId == 0 || UserId == EffectiveUser;

    /// <summary>
    /// Returns the status of a path without following links. Null if the path does not exist or the system does not provide the status.
    /// </summary>
    public static LinuxFileStatus? OfName(string path) => OperatingSystem.IsLinux() ? Ask(CurrentFolder, path, DoNotFollow) : null;

    /// <summary>Returns the status of a path and follows links. Null if the system does not provide it.</summary>
    public static LinuxFileStatus? Of(string path) => OperatingSystem.IsLinux() ? Ask(CurrentFolder, path, 0) : null;

    /// <summary>Returns the status of an open file. Null if the system does not provide it.</summary>
    public static LinuxFileStatus? Of(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        bool added = false;
        try
        {
            file.DangerousAddRef(ref added);
            return Ask((int)file.DangerousGetHandle(), "", EmptyPath);
        }
        finally
        {
            if (added)
            {
                file.DangerousRelease();
            }
        }
    }

    // Offsets in struct statx, the same on every architecture.
    private static LinuxFileStatus? Ask(int folder, string path, int flags)
    {
        Span<byte> status = stackalloc byte[StatxBytes];
        try
        {
            return Statx(folder, path, flags, BasicStats, ref MemoryMarshal.GetReference(status)) != 0
                ? null
                : new LinuxFileStatus(
                    MemoryMarshal.Read<ushort>(status[28..]),
                    MemoryMarshal.Read<uint>(status[20..]),
                    MemoryMarshal.Read<ulong>(status[8..]),
                    ((ulong)MemoryMarshal.Read<uint>(status[136..]) << 32) | MemoryMarshal.Read<uint>(status[140..]),
                    MemoryMarshal.Read<ulong>(status[32..]),
                    MemoryMarshal.Read<long>(status[40..]),
                    (MemoryMarshal.Read<long>(status[112..]) * NanosecondsPerSecond) + MemoryMarshal.Read<uint>(status[120..]),
                    MemoryMarshal.Read<uint>(status[24..]));
        }
        catch (EntryPointNotFoundException)
        {
            return null; // the C library is older than 2018
        }
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte status);
}
