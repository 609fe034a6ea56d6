namespace MemLoad;

/// <summary>Finds the files of this process's memory control group, version 2 or 1 (cgroups(7)).</summary>
internal static class Cgroup
{
    /// <summary>Returns the text of a file of the process's own group; null if there is none.</summary>
    /// <param name="unifiedName">The file's name under version 2, such as <c>memory.events</c>; the root group has none.</param>
    /// <param name="legacyName">The file's name under version 1.</param>
    public static string? ReadMemoryFile(string unifiedName, string legacyName)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        string groups = TextFile.TryRead("/proc/self/cgroup") ?? "";
        string mounts = TextFile.TryRead("/proc/self/mountinfo") ?? "";
        foreach (string path in Candidates(groups, mounts, unifiedName, legacyName))
        {
            if (TextFile.TryRead(path) is string text)
            {
                return text;
            }
        }
        return null;
    }

    /// <summary>
    /// Returns the possible paths of the file, the most likely first. On a hybrid system either version may own the memory controller.
    /// </summary>
    internal static IEnumerable<string> Candidates(string groups, string mounts, string unifiedName, string legacyName) =>
        Folders(groups, mounts).Select(folder =>
            $"{folder.MountPoint.TrimEnd('/')}/{folder.Below.Trim('/')}/{(folder.Unified ? unifiedName : legacyName)}");

    /// <summary>
    /// Returns the folders of the process's group and of every visible group above it, innermost first. The limits of all of them apply.
    /// </summary>
    /// <param name="groups">The text of <c>/proc/self/cgroup</c>.</param>
    /// <param name="mounts">The text of <c>/proc/self/mountinfo</c>.</param>
    internal static IEnumerable<Group> Levels(string groups, string mounts)
    {
        foreach ((bool unified, string mountPoint, string below) in Folders(groups, mounts))
        {
            string[] names = below.Split('/', StringSplitOptions.RemoveEmptyEntries);
            for (int depth = names.Length; depth >= 0; depth--)
            {
                yield return new Group(unified, string.Join('/', [mountPoint.TrimEnd('/'), .. names[..depth]]));
            }
        }
    }

    private static IEnumerable<(bool Unified, string MountPoint, string Below)> Folders(string groups, string mounts)
    {
        foreach ((bool unified, string group) in MemoryGroups(groups))
        {
            foreach ((string root, string mountPoint) in Mounts(mounts, unified))
            {
                // The path of the group is the same in a container as on the host. A container has only its own part of the tree mounted.
                bool inside = root == "/" || group == root || group.StartsWith(root + "/", StringComparison.Ordinal);
                yield return (unified, mountPoint, !inside ? "" : root == "/" ? group : group[root.Length..]);
            }
        }
    }

    /// <summary>
    /// The lines are <c>id:controllers:path</c>. Version 2 has id 0 and no controllers. A group outside of the namespace of this process is
    /// not visible, and its path begins with <c>/..</c> (cgroup_namespaces(7)).
    /// </summary>
    private static List<Group> MemoryGroups(string groups)
    {
        var found = new List<Group>();
        foreach (string line in groups.Split('\n'))
        {
            string[] parts = line.Split(':', 3);
            if (parts.Length == 3 && (parts[1].Length == 0 || parts[1].Split(',').Contains("memory"))
                && !$"{parts[2]}/".StartsWith("/../", StringComparison.Ordinal))
            {
                found.Insert(parts[1].Length == 0 ? 0 : found.Count, new Group(parts[1].Length == 0, parts[2]));
            }
        }
        return found;
    }

    /// <summary>Lines <c>id parent device root mount-point options … - type source super-options</c> (proc_pid_mountinfo(5)).</summary>
    private static IEnumerable<(string Root, string MountPoint)> Mounts(string mounts, bool unified)
    {
        foreach (string line in mounts.Split('\n'))
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
            if (dash < 0 || dash + 3 >= fields.Length)
            {
                continue;
            }
            bool matches = unified
                ? fields[dash + 1] == "cgroup2"
                : fields[dash + 1] == "cgroup" && fields[dash + 3].Split(',').Contains("memory");
            if (matches)
            {
                yield return (fields[3], fields[4]);
            }
        }
    }

    /// <summary>A control group, of version 2 if it is unified, and its folder.</summary>
    internal sealed record Group(bool Unified, string Folder);
}
