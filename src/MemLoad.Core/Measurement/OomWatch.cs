namespace MemLoad;

/// <summary>
/// Counts the processes that the kernel killed because memory ran out. Read the count before a child starts and after it was killed: a
/// higher count gives the cause.
/// </summary>
internal static class OomWatch
{
    /// <summary>
    /// The kills so far in this process's control group, which its children share (<c>memory.events</c>, or <c>memory.oom_control</c> of
    /// version 1). Without a control group, the kills of the whole machine (<c>/proc/vmstat</c>). Null if the platform does not count them.
    /// </summary>
    public static long? Count() => OperatingSystem.IsLinux()
        ? TextFile.Field(Cgroup.ReadMemoryFile("memory.events", "memory.oom_control"), "oom_kill")
            ?? TextFile.Field(TextFile.TryRead("/proc/vmstat"), "oom_kill")
        : null;
}
