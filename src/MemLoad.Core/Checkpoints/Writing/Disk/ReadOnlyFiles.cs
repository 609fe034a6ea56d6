using System.Runtime.Versioning;

namespace MemLoad;

/// <summary>
/// The read-only attribute, which prevents the replacement and the deletion of a file on Windows. On other systems, the permissions of the
/// folder decide.
/// </summary>
[SupportedOSPlatform("windows")]
internal static class ReadOnlyFiles
{
    /// <summary>Removes the attribute from a file, or from a folder and the files in it. Links are not followed.</summary>
    /// <returns>Whether the file or folder itself had the attribute.</returns>
    public static bool TryAllow(string path)
    {
        try
        {
            bool isFolder = Directory.Exists(path);
            if (isFolder && !File.GetAttributes(path).HasFlag(FileAttributes.ReparsePoint))
            {
                foreach (string file in Directory.EnumerateFileSystemEntries(path, "*", new EnumerationOptions { AttributesToSkip = 0 }))
                {
                    _ = Clear(file);
                }
            }
            return (isFolder || File.Exists(path)) && Clear(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // the next operation reports its own error
        }
    }

    /// <summary>Sets the attribute on a file, if that is possible.</summary>
    public static void Forbid(string path)
    {
        try
        {
            File.SetAttributes(path, File.GetAttributes(path) | FileAttributes.ReadOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static bool Clear(string path)
    {
        FileAttributes attributes = File.GetAttributes(path);
        if (!attributes.HasFlag(FileAttributes.ReadOnly))
        {
            return false;
        }
        File.SetAttributes(path, attributes & ~FileAttributes.ReadOnly);
        return true;
    }
}
