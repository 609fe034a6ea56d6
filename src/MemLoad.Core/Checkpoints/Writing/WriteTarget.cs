using System.Text;

namespace MemLoad;

/// <summary>Where a checkpoint is to go, checked before anything is produced.</summary>
internal static class WriteTarget
{
    private const int LongestName = 255; // bytes on Unix, UTF-16 units on Windows

    /// <summary>The absolute path for a new file, links followed: a link stays a link and what it names is replaced.</summary>
    /// <exception cref="MemLoadException">ML9102 or ML9103.</exception>
    public static string ForFile(string path, bool overwrite)
    {
        string target = Locate(path, Path.GetFullPath(path));
        if (Directory.Exists(target))
        {
            throw Rules.TargetUnwritable.Broken("a file is to be written and there is a folder of that name", target);
        }
        if (!overwrite && File.Exists(target))
        {
            throw Rules.TargetExists.Broken("there is a file of that name already", target);
        }
        return target;
    }

    /// <summary>The absolute path for a new folder. One may be replaced only if it holds nothing but per-tensor files.</summary>
    /// <exception cref="MemLoadException">ML9102 or ML9103.</exception>
    public static string ForFolder(string path, bool overwrite)
    {
        string target = Locate(path, Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        if (File.Exists(target))
        {
            throw Rules.TargetUnwritable.Broken("a folder is to be written and there is a file of that name", target);
        }
        if (!Directory.Exists(target))
        {
            return target;
        }
        if (!overwrite)
        {
            throw Rules.TargetExists.Broken("there is a folder of that name already", target);
        }
        try
        {
            string? foreign = Directory.EnumerateFileSystemEntries(target, "*", new EnumerationOptions { AttributesToSkip = 0 })
                .FirstOrDefault(entry => Directory.Exists(entry) || !entry.EndsWith(PerTensorWriter.Extension, StringComparison.OrdinalIgnoreCase));
            return foreign is null
                ? target
                : throw Rules.TargetUnwritable.Broken(
                    $"the folder holds more than per-tensor files ({Printable.Quote(Path.GetFileName(foreign))}) and is not replaced", target);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, target, 0, whileOpening: true);
        }
    }

    private static string Locate(string given, string path)
    {
        try
        {
            string target = new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
            string? folder = Path.GetDirectoryName(target);
            if (folder is null || Path.GetFileName(target).Length == 0)
            {
                throw Rules.TargetUnwritable.Broken("the path names no file", given);
            }
            string name = Path.GetFileName(target);
            if ((OperatingSystem.IsWindows() ? name.Length : Encoding.UTF8.GetByteCount(name)) > LongestName)
            {
                throw Rules.TargetUnwritable.Broken($"the name is longer than the {LongestName} that file systems allow", target);
            }
            if (!Directory.Exists(folder))
            {
                throw Rules.TargetUnwritable.Broken("there is no such folder to write to", folder);
            }
            // As root a rename would replace a device such as /dev/null for the whole machine.
            if (!OperatingSystem.IsWindows() && folder == "/dev")
            {
                throw Rules.TargetUnwritable.Broken("a checkpoint is not written over a device", target);
            }
            return target;
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, path, 0, whileOpening: true);
        }
    }
}
