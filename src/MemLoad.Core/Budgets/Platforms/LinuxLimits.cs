namespace MemLoad;

/// <summary>
/// The memory limits of a Linux process: <c>MemAvailable</c> and the commit limit (proc_meminfo(5)), every level of its control group
/// (version 2 or 1), and its resource limits (getrlimit(2)).
/// </summary>
/// <param name="root">The folder with <c>proc</c> and <c>sys</c>.</param>
internal sealed class LinuxLimits(string root = "/")
{
    // Version 1 represents "no limit" as the largest number of whole pages.
    private const long Unlimited = 1L << 62;

    public IEnumerable<MemoryLimit> Read()
    {
        string? memory = Text("proc/meminfo");
        return [.. Machine(memory), .. Commit(memory), .. Groups(), .. Resources()];
    }

    private static IEnumerable<MemoryLimit> Machine(string? memory)
    {
        if (TextFile.Field(memory, "MemAvailable:") * 1024 is long available && TextFile.Field(memory, "MemTotal:") * 1024 is long total)
        {
            yield return MemoryLimit.OfSystem("MemAvailable", Counted.AnonymousAndShared, total, total - available,
                $"the machine has {Printable.Bytes(total)}, of which {Printable.Bytes(available)} are available");
        }
    }

    // The commit limit applies only if the kernel does not overcommit (vm.overcommit_memory = 2).
    private IEnumerable<MemoryLimit> Commit(string? memory)
    {
        if (TextFile.Number(Text("proc/sys/vm/overcommit_memory")) == 2
            && TextFile.Field(memory, "CommitLimit:") * 1024 is long limit
                && TextFile.Field(memory, "Committed_AS:") * 1024 is long committed)
        {
            yield return MemoryLimit.OfSystem("CommitLimit", Counted.AnonymousAndShared, limit, committed,
                $"the kernel does not overcommit (vm.overcommit_memory = 2); of {Printable.Bytes(limit)} it has committed "
                    + $"{Printable.Bytes(committed)}");
        }
    }

    private IEnumerable<MemoryLimit> Groups()
    {
        (string Folder, long Used, long Reclaimable, long Own, long Above)? outermost = null;
        foreach ((bool unified, string folder) in Cgroup.Levels(Text("proc/self/cgroup") ?? "", Text("proc/self/mountinfo") ?? ""))
        {
            string? statistics = Text($"{folder}/memory.stat");
            if (unified)
            {
                long? used = TextFile.Number(Text($"{folder}/memory.current"));
                foreach (string name in (string[])["memory.max", "memory.high"])
                {
                    if (TextFile.Number(Text($"{folder}/{name}")) is long limit && used is not null)
                    {
                        yield return OfGroup($"{folder}/{name}", limit, used.Value, Reclaimable(statistics, ""));
                    }
                }
            }
            else if (TextFile.Number(Text($"{folder}/memory.usage_in_bytes")) is long used)
            {
                long reclaimable = Reclaimable(statistics, "total_");
                long limit = TextFile.Number(Text($"{folder}/memory.limit_in_bytes")) ?? Unlimited;
                if (limit < Unlimited)
                {
                    yield return OfGroup($"{folder}/memory.limit_in_bytes", limit, used, reclaimable);
                }
                if (TextFile.Field(statistics, "hierarchical_memory_limit") is long above)
                {
                    outermost = (folder, used, reclaimable, limit, above);
                }
            }
        }
        // Control groups above those that a container sees also apply, but the use of their other members is not visible.
        if (outermost is { } seen && seen.Above < Math.Min(seen.Own, Unlimited))
        {
            yield return OfGroup($"{seen.Folder}/memory.stat (hierarchical_memory_limit)", seen.Above, seen.Used, seen.Reclaimable);
        }
    }

    private static MemoryLimit OfGroup(string name, long limit, long used, long reclaimable)
    {
        reclaimable = Math.Min(used, reclaimable);
        return MemoryLimit.OfSystem(name, Counted.AnonymousAndShared, limit, used - reclaimable,
            $"the control group allows {Printable.Bytes(limit)}, of which {Printable.Bytes(used)} are used, "
                + $"{Printable.Bytes(reclaimable)} of that for file pages that the kernel can reclaim ({name})");
    }

    // File pages and kernel objects that the kernel can drop at once. Dirty pages must be written first, possibly too late.
    private static long Reclaimable(string? statistics, string prefix)
    {
        long files = Of("inactive_file") + Of("active_file") - Of("file_dirty") - Of("file_writeback") - Of("dirty") - Of("writeback");
        return Math.Max(0, files) + Of("slab_reclaimable");

        long Of(string name) => TextFile.Field(statistics, prefix + name) ?? 0;
    }

    private IEnumerable<MemoryLimit> Resources()
    {
        string? limits = Text("proc/self/limits");
        string? status = Text("proc/self/status");
        return new[]
        {
            Resource("ulimit -v", "Max address space", "VmSize:", Counted.AddressSpace, "address space of this process is limited to"),
            Resource("ulimit -d", "Max data size", "VmData:", Counted.Anonymous, "data of this process is limited to"),
        }.OfType<MemoryLimit>();

        MemoryLimit? Resource(string name, string limitName, string usedName, Counted counts, string what) =>
            TextFile.Field(limits, limitName) is long limit && TextFile.Field(status, usedName) * 1024 is long used
                ? MemoryLimit.OfSystem(name, counts, limit, used,
                    $"{what} {Printable.Bytes(limit)} ({name}), of which {Printable.Bytes(used)} are used")
                : null;
    }

    private string? Text(string path) => TextFile.TryRead(Path.Combine(root, path.TrimStart('/')));
}
