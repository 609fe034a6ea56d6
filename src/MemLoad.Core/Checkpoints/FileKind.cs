using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>What a path is besides a file or a folder: to be known before it is opened, because opening a pipe waits for its other end.</summary>
internal static partial class FileKind
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint TypeWanted = 1; // STATX_TYPE
    private const int StatxBytes = 256;
    private const int ModeOffset = 28; // stx_mask, stx_blksize, stx_attributes, stx_nlink, stx_uid, stx_gid come before

    /// <summary>Refuses pipes, devices and sockets. Where the system cannot be asked (other than Linux), opening tells.</summary>
    /// <exception cref="MemLoadException">ML1010.</exception>
    public static void MustBeRegular(string path)
    {
        if (Special(path) is string kind)
        {
            throw Rules.PathNotRegular.Broken($"the path is {kind}", path);
        }
    }

    private static string? Special(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        Span<byte> status = stackalloc byte[StatxBytes];
        try
        {
            // Links are followed: what counts is what would be opened.
            if (Statx(CurrentFolder, path, 0, TypeWanted, ref MemoryMarshal.GetReference(status)) != 0)
            {
                return null;
            }
        }
        catch (EntryPointNotFoundException)
        {
            return null; // a C library from before 2018
        }
        return (MemoryMarshal.Read<ushort>(status[ModeOffset..]) & 0xF000) switch
        {
            0x1000 => "a named pipe",
            0x2000 => "a character device",
            0x6000 => "a block device",
            0xC000 => "a socket",
            _ => null,
        };
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte status);
}
