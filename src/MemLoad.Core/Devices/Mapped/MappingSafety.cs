using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// Determines whether a file can be mapped safely. It must be on a local file system. Also, the kernel must notify about writers
/// (<see cref="FileLease"/>), or only this user and root may write to it, or no program can write to it. Windows does not let programs
/// truncate a mapped file.
/// </summary>
internal static unsafe partial class MappingSafety
{
    // Magic numbers of statfs(2), from linux/magic.h. The list has only file systems whose files change only through this kernel.
    private static readonly HashSet<uint> Local =
    [
        0x0000EF53, // ext2, ext3, ext4
        0x58465342, // xfs
        0x9123683E, // btrfs
        0xCA451A4E, // bcachefs
        0x2FC12FC1, // zfs
        0xF2F52010, // f2fs
        0x3153464A, // jfs
        0x00003434, // nilfs2
        0x794C7630, // overlayfs
        0x01021994, // tmpfs
        0x858458F6, // ramfs
        0x73717368, // squashfs
        0xE0F5E1E2, // erofs
        0x00009660, // iso9660
        0x15013346, // udf
        0x00004D44, // fat
        0x2011BAB0, // exfat
        0x7366746E, // ntfs3
    ];

    private static readonly Dictionary<uint, string> Remote = new()
    {
        [0x00006969] = "a network file system (nfs)",
        [0xFF534D42] = "a network file system (cifs)",
        [0xFE534D42] = "a network file system (smb)",
        [0x0000517B] = "a network file system (smb)",
        [0x5346414F] = "a network file system (afs)",
        [0x00C36400] = "a network file system (ceph)",
        [0x0BD00BD0] = "a network file system (lustre)",
        [0x47504653] = "a network file system (gpfs)",
        [0x01161970] = "a file system that machines share (gfs2)",
        [0x7461636F] = "a file system that machines share (ocfs2)",
        [0x01021997] = "a file system of another machine (9p)",
        [0x65735546] = "a file system in user space (fuse)",
    };

    /// <summary>Returns the reason why a file cannot be mapped safely. Null if it can.</summary>
    public static string? Obstacle(CheckpointFileReader file)
    {
        string? obstacle = Guard(file, static () => { }, out FileLease? lease);
        lease?.Dispose();
        return obstacle;
    }

    /// <summary>
    /// Sets the guard of a file that will be mapped. <paramref name="lost"/> is called before another program writes to it. The program
    /// waits.
    /// </summary>
    /// <returns>The reason why it cannot be mapped safely. Null if it can.</returns>
    public static string? Guard(CheckpointFileReader file, Action lost, out FileLease? lease)
    {
        lease = null;
        if (!OperatingSystem.IsLinux())
        {
            return IsNetworkDrive(file) ? "it is on a network drive" : OtherWriters(file.Path);
        }
        uint kind = FileSystemOf(file.Handle);
        if (!Local.Contains(kind))
        {
            string unknown = string.Create(CultureInfo.InvariantCulture, $"a file system that is not known to be local (0x{kind:x8})");
            return $"it is on {Remote.GetValueOrDefault(kind) ?? unknown}";
        }
        if (LinuxFileStatus.Of(file.Handle) is not { } status)
        {
            return "the system does not state its owner";
        }
        if ((status.Attributes & (LinuxFileStatus.Immutable | LinuxFileStatus.Verity)) != 0)
        {
            return null;
        }
        lease = FileLease.TryTake(file.Handle, lost, out int error);
        return lease is not null ? null
            : error == FileLease.HasWriters ? "another program has it open for writing"
            : !status.IsTrusted ? $"it belongs to user {status.UserId}, who may write to it"
            : (status.Mode & LinuxFileStatus.GroupOrOthersWrite) != 0 ? "its group or others may write to it"
            : null;
    }

    private static bool IsNetworkDrive(CheckpointFileReader file)
    {
        try
        {
            // A folder in the given path can be a link to a share, so the path of the open file is used.
            string? root = OperatingSystem.IsWindows()
                ? WindowsNames.LocalRoot(WindowsFiles.FinalPath(file.Handle) ?? Path.GetFullPath(file.Path))
                : file.Path;
            return root is null
                || (!root.StartsWith(@"\\?\", StringComparison.Ordinal) && new DriveInfo(root).DriveType == DriveType.Network);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return true; // without information the file is not safe
        }
    }

    private static string? OtherWriters(string path) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0
            ? "its group or others may write to it"
            : null;

    /// <summary>Returns the magic number of the file system of an open file on Linux; 0 if the system does not report it.</summary>
    internal static uint FileSystemOf(SafeFileHandle file)
    {
        // struct statfs begins with the magic number. The rest of its 120 bytes is not used.
        long* status = stackalloc long[32];
        return FileSystemStatus(file, status) == 0 ? (uint)*status : 0;
    }

    [LibraryImport("libc", EntryPoint = "fstatfs")]
    private static partial int FileSystemStatus(SafeFileHandle file, long* status);
}
