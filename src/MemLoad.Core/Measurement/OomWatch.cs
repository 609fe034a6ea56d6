namespace MemLoad;

/// <summary>
/// Counts the processes that the kernel has killed for want of memory, so that such a death of a child can be told from any other: read it
/// before the child starts and after it died, and compare.
/// </summary>
internal static class OomWatch
{
    /// <summary>
    /// Kills so far in this process's control group, which children share (<c>memory.events</c>, or <c>memory.oom_control</c> of version 1);
    /// without one, on the whole machine (<c>/proc/vmstat</c>). Null where the platform does not count them.
    /// </summary>
    public static long? Count() => OperatingSystem.IsLinux()
        ? TextFile.Field(Cgroup.ReadMemoryFile("memory.events", "memory.oom_control"), "oom_kill")
            ?? TextFile.Field(TextFile.TryRead("/proc/vmstat"), "oom_kill")
        : null;
}
