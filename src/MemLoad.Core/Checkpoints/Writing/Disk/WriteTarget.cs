using System.Text;

namespace MemLoad;

/// <summary>The target of a write, checked before the write begins.</summary>
internal static class WriteTarget
{
    private const int LongestName = 255; // bytes on Unix, UTF-16 units on Windows
    private const int MostLinks = 40; // as Linux follows

    /// <summary>
    /// Returns the absolute path for a new file and follows links. A link stays a link, and its target is replaced. On Linux, links of
    /// users other than this user and root are not followed.
    /// </summary>
    /// <exception cref="MemLoadException">ML9102 or ML9103.</exception>
    public static string ForFile(string path, bool overwrite)
    {
        string full = FullPath.Of(path, Rules.TargetUnwritable);
        string target = Locate(path, full);
        if (Directory.Exists(target))
        {
            throw Rules.TargetUnwritable.Broken("the target must be a file, and a folder with that name exists", target,
                remedy: "Name a file in the folder, or another path.");
        }
        // A rename would replace a pipe whose reader waits, or a device of the system. Pipes without a name have links in /proc only.
        if (FileKind.Special(full) is string kind)
        {
            throw Rules.TargetUnwritable.Broken($"the path is {kind}, which is not overwritten", full, remedy: "Name a file.");
        }
        if (!overwrite && (File.Exists(target) || IsLink(path)))
        {
            throw Rules.TargetExists.Broken($"a {(File.Exists(target) ? "file" : "link")} with that name already exists", target);
        }
        return target;
    }

    /// <summary>True for the names of per-tensor files.</summary>
    public static bool IsPerTensor(string name) => name.EndsWith(PerTensorWriter.Extension, StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns the absolute path for a new folder. A folder may be replaced only if it has only files of the same kind.</summary>
    /// <param name="path">The path of the user.</param>
    /// <param name="overwrite">Whether an existing folder is replaced.</param>
    /// <param name="isOurs">Whether a file of this name may be replaced.</param>
    /// <exception cref="MemLoadException">ML9102 or ML9103.</exception>
    public static string ForFolder(string path, bool overwrite, Func<string, bool> isOurs)
    {
        string target = Locate(path, Path.TrimEndingDirectorySeparator(FullPath.Of(path, Rules.TargetUnwritable)));
        if (File.Exists(target))
        {
            throw Rules.TargetUnwritable.Broken("the target must be a folder, and a file with that name exists", target,
                remedy: "Name another path, or remove the file.");
        }
        if (!overwrite && !Directory.Exists(target) && IsLink(Path.TrimEndingDirectorySeparator(path)))
        {
            throw Rules.TargetExists.Broken("a link with that name already exists", target);
        }
        if (!Directory.Exists(target))
        {
            return target;
        }
        if (!overwrite)
        {
            throw Rules.TargetExists.Broken("a folder with that name already exists", target);
        }
        try
        {
            string? foreign = Directory.EnumerateFileSystemEntries(target, "*", new EnumerationOptions { AttributesToSkip = 0 })
                .FirstOrDefault(entry => Directory.Exists(entry) || !isOurs(Path.GetFileName(entry)));
            return foreign is null
                ? target
                : throw Rules.TargetUnwritable.Broken(
                    $"the folder contains more than {(isOurs == IsPerTensor ? "per-tensor files" : "a sharded checkpoint")} "
                        + $"({Printable.Quote(Path.GetFileName(foreign))}) and is not replaced",
                    target,
                    remedy: "Name another path. MemLoad does not remove files that it did not write.");
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, target, 0, whileOpening: true);
        }
    }

    /// <summary>Checks before long work that the target can be created. Creates a file with another name and removes it.</summary>
    /// <param name="target">Path from <see cref="ForFile"/>.</param>
    /// <exception cref="MemLoadException">ML9103 or ML9104.</exception>
    public static void RequireWritable(string target) => new AtomicFile(target, overwrite: true, length: 0).Dispose();

    /// <summary>As <see cref="RequireWritable"/>, for files in a folder, which is created if it does not exist.</summary>
    /// <param name="folder">Absolute path of the folder.</param>
    /// <exception cref="MemLoadException">ML9103 or ML9104.</exception>
    public static void RequireFolder(string folder)
    {
        string there = folder;
        while (!Path.Exists(there) && Path.GetDirectoryName(there) is string above)
        {
            there = above;
        }
        if (!Directory.Exists(there))
        {
            throw Rules.TargetUnwritable.Broken("the target must be a folder, and a file with that name exists", there);
        }
        RequireWritable(Path.Combine(there, "new"));
    }

    private static bool IsLink(string path) => new FileInfo(path).LinkTarget is not null;

    private static string Locate(string given, string path)
    {
        try
        {
            if (OperatingSystem.IsWindows() && WindowsNames.Special(path) is string kind)
            {
                throw Rules.TargetUnwritable.Broken($"the path is {kind}, which is not overwritten", given, remedy: "Name a file.");
            }
            string target = OperatingSystem.IsLinux() ? Follow(path)
                : new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
            string? folder = Path.GetDirectoryName(target);
            if (folder is null || Path.GetFileName(target).Length == 0)
            {
                throw Rules.TargetUnwritable.Broken("the path names no file", given, remedy: "Add a name to the path.");
            }
            string name = Path.GetFileName(target);
            if ((OperatingSystem.IsWindows() ? name.Length : Encoding.UTF8.GetByteCount(name)) > LongestName)
            {
                throw Rules.TargetUnwritable.Broken(
                    $"the name is longer than the {LongestName} that file systems allow", target, remedy: "Give it a shorter name.");
            }
            if (!Directory.Exists(folder))
            {
                throw Rules.TargetUnwritable.Broken(
                    "there is no such folder to write to", folder, remedy: "Create the folder first, or name another path.");
            }
            // For root, a rename would replace a device such as /dev/null for the whole system.
            if (!OperatingSystem.IsWindows() && folder == "/dev")
            {
                throw Rules.TargetUnwritable.Broken("a device is not overwritten", target, remedy: "Name a file.");
            }
            return target;
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, path, 0, whileOpening: true);
        }
    }

    // In a folder that all users may write to, the kernel checks links that are opened. Code that resolves a link itself must make the same
    // check.
    private static string Follow(string path)
    {
        string found = "/";
        var rest = new Stack<string>(Parts(path));
        for (int links = 0; rest.TryPop(out string? part);)
        {
            string next = part == ".." ? Path.GetDirectoryName(found) ?? "/" : Path.Combine(found, part);
            if (part == ".." || new FileInfo(next).LinkTarget is not string link)
            {
                found = next;
                continue;
            }
            if (!IsTrusted(next, found))
            {
                throw Rules.TargetUnwritable.Broken("another user may have put the link there", next,
                    remedy: "If the link leads to the correct place, give the path of that place. Otherwise remove the link.");
            }
            if (++links > MostLinks)
            {
                throw Rules.TargetUnwritable.Broken(
                    $"more than {MostLinks} links lead to one another",
                    path,
                    remedy: "Give the path of the place that the links should lead to.");
            }
            found = link.StartsWith('/') ? "/" : found;
            foreach (string step in Parts(link))
            {
                rest.Push(step);
            }
        }
        return found;

        static IEnumerable<string> Parts(string path) => path.Split('/').Where(part => part is not ("" or ".")).Reverse();
    }

    private static bool IsTrusted(string link, string folder) =>
        LinuxFileStatus.OfName(link) is not { } status || status.IsTrusted
        || (LinuxFileStatus.OfName(folder) is { IsTrusted: true } around && (around.Mode & LinuxFileStatus.GroupOrOthersWrite) == 0);
}
