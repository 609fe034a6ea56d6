using System.Runtime.Versioning;

namespace MemLoad;

/// <summary>The attribute that keeps a file of Windows from being replaced or deleted; elsewhere that is a matter of its folder.</summary>
[SupportedOSPlatform("windows")]
internal static class ReadOnlyFiles
{
    /// <summary>Takes the attribute off a file, or off a folder and the files in it. Links are not followed.</summary>
    /// <returns>Whether it was on the file or folder itself.</returns>
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
            return false; // what is tried next has an error of its own
        }
    }

    /// <summary>Puts the attribute on a file, if that is possible.</summary>
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
