using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>What Linux knows of a file and .NET does not say (statx, since Linux 4.11).</summary>
/// <param name="Mode">Kind and permissions, as in <c>st_mode</c>.</param>
/// <param name="UserId">Who owns it.</param>
/// <param name="Attributes">Flags such as <see cref="Immutable"/>.</param>
/// <param name="Device">The file system.</param>
/// <param name="Inode">The file's number there.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ModifiedNanoseconds">When its content last changed, since 1970.</param>
/// <param name="GroupId">Its group.</param>
internal readonly partial record struct LinuxFileStatus(
    ushort Mode, uint UserId, ulong Attributes, ulong Device, ulong Inode, long Length, long ModifiedNanoseconds, uint GroupId)
{
    /// <summary>Nobody may change the file until the flag is taken away, which is root's to do.</summary>
    public const ulong Immutable = 0x10; // STATX_ATTR_IMMUTABLE

    /// <summary>fs-verity: nobody may change the file ever again.</summary>
    public const ulong Verity = 0x100000; // STATX_ATTR_VERITY

    /// <summary>Others than the owner may write to it, by <see cref="Mode"/>; entries of access control lists show in the group's bits.</summary>
    public const int GroupOrOthersWrite = 0x12; // S_IWGRP | S_IWOTH

    private const int Kind = 0xF000; // S_IFMT
    private const int RegularFile = 0x8000; // S_IFREG
    private const int Folder = 0x4000; // S_IFDIR
    private const int DoNotFollow = 0x100; // AT_SYMLINK_NOFOLLOW

    private const int CurrentFolder = -100; // AT_FDCWD
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH: what the descriptor itself names
    private const uint BasicStats = 0x7ff; // STATX_BASIC_STATS
    private const int StatxBytes = 256;
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Who this process acts as; root is 0.</summary>
    public static uint EffectiveUser => GetEffectiveUser();

    /// <summary>It is a file of its own, and no link, pipe or device.</summary>
    public bool IsRegular => (Mode & Kind) == RegularFile;

    /// <summary>It is a folder.</summary>
    public bool IsFolder => (Mode & Kind) == Folder;

    /// <summary>It belongs to the user of this process or to root.</summary>
    public bool IsTrusted => UserId == 0 || UserId == EffectiveUser;

    /// <summary>The status of what has a name, be it a link; null where nothing has, or where the system cannot be asked.</summary>
    public static LinuxFileStatus? OfName(string path) => OperatingSystem.IsLinux() ? Ask(CurrentFolder, path, DoNotFollow) : null;

    /// <summary>The status of what a path names, links followed; null where the system cannot be asked.</summary>
    public static LinuxFileStatus? Of(string path) => OperatingSystem.IsLinux() ? Ask(CurrentFolder, path, 0) : null;

    /// <summary>The status of an open file; null where the system cannot be asked.</summary>
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
            return null; // a C library from before 2018
        }
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte status);
}
