using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>Types of file systems, by the name that the system has for them.</summary>
internal static class FileSystems
{
    // Names of Linux (/proc/filesystems, mount(8)), macOS and Windows. A FUSE file system is named by its program, such as fuse.sshfs.
    private static readonly string[] Remote =
    [
        "nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "coda", "lustre", "gpfs", "beegfs", "glusterfs", "ocfs2",
        "gfs2", "orangefs", "pvfs2", "webdav", "virtiofs", "wekafs", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone",
        "fuse.gcsfuse", "fuse.juicefs", "fuse.cephfs", "fuse.ceph", "fuse.mount-s3", "fuse.goofys", "fuse.davfs", "fuse.beegfs",
        "fuse.seaweedfs", "fuse.curlftpfs", "fuse.blobfuse", "fuse.blobfuse2", "fuse.moosefs",
    ];

    /// <summary>Returns the type of the file system of a file.</summary>
    /// <param name="path">The file or folder. Links are followed.</param>
    /// <returns>A name such as <c>ext4</c>; null if the system does not report it, or if the file does not exist.</returns>
    public static string? NameOf(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                return new DriveInfo(Path.GetFullPath(path)).DriveFormat is { Length: > 0 } name ? name : null;
            }
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return WindowsFiles.FileSystemOf(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>Whether the files of a file system are only in memory.</summary>
    /// <param name="name">The name of its type; null if it is not known.</param>
    public static bool IsInMemory(string? name) => name is "tmpfs" or "ramfs";

    /// <summary>Whether reads of a file system come over a network.</summary>
    /// <param name="name">The name of its type; null if it is not known.</param>
    public static bool IsRemote(string? name) => Remote.Contains(name, StringComparer.OrdinalIgnoreCase);
}
