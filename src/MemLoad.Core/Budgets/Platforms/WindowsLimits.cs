namespace MemLoad;

/// <summary>
/// The memory limits of a Windows process. <c>GlobalMemoryStatusEx</c> reports the memory that the system can still commit, and the
/// available physical memory. <c>QueryInformationJobObject</c> reports the limits of the job object of the process. Windows containers are
/// limited by job objects.
/// </summary>
internal static unsafe partial class WindowsLimits
{
    private const int ExtendedLimitInformation = 9;
    private const int MemoryUsageInformation = 28;
    private const uint LimitProcessMemory = 0x100;
    private const uint LimitJobMemory = 0x200;

    public static IEnumerable<MemoryLimit> Read()
    {
        var limits = new List<MemoryLimit>();
        if (WindowsFacts.Memory() is WindowsFacts.MemoryStatus status)
        {
            limits.Add(Limit("available memory", (long)status.TotalPhysical, (long)(status.TotalPhysical - status.AvailablePhysical),
                "the machine has"));
            limits.Add(Limit("commit limit", (long)status.TotalPageFile, (long)(status.TotalPageFile - status.AvailablePageFile),
                "the system can commit"));
        }
        JobLimits job = default;
        if (QueryJob(0, ExtendedLimitInformation, &job, (uint)sizeof(JobLimits), null))
        {
            using IProcessMemory memory = ProcessMemory.Open();
            long own = memory.Read().HostBytes ?? 0;
            if ((job.Flags & LimitJobMemory) != 0)
            {
                JobUsage usage = default;
                // If the system does not report the use of the job, the use of this process is a lower bound. The limit applies in both
                // cases.
                long used = QueryJob(0, MemoryUsageInformation, &usage, (uint)sizeof(JobUsage), null) ? (long)usage.JobMemory : own;
                limits.Add(Limit("job memory limit", Whole(job.JobMemoryLimit), used, "the job object allows"));
            }
            if ((job.Flags & LimitProcessMemory) != 0)
            {
                limits.Add(Limit("process memory limit", Whole(job.ProcessMemoryLimit), own, "the job object allows each process"));
            }
        }
        return limits;
    }

    private static long Whole(nuint bytes) => (long)Math.Min(bytes, long.MaxValue);

    private static MemoryLimit Limit(string name, long limit, long used, string what) =>
        MemoryLimit.OfSystem(name, Counted.AnonymousAndShared, limit, used,
            $"{what} {Printable.Bytes(limit)}, of which {Printable.Bytes(used)} are used");

    [LibraryImport("kernel32", EntryPoint = "QueryInformationJobObject")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool QueryJob(nint job, int kind, void* information, uint length, uint* returnedLength);

    /// <summary>JOBOBJECT_EXTENDED_LIMIT_INFORMATION.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct JobLimits
    {
        public long PerProcessUserTimeLimit;
        public long PerJobUserTimeLimit;
        public uint Flags;
        public nuint MinimumWorkingSetSize;
        public nuint MaximumWorkingSetSize;
        public uint ActiveProcessLimit;
        public nuint Affinity;
        public uint PriorityClass;
        public uint SchedulingClass;
        public fixed ulong InputOutputCounters[6];
        public nuint ProcessMemoryLimit;
        public nuint JobMemoryLimit;
        public nuint PeakProcessMemoryUsed;
        public nuint PeakJobMemoryUsed;
    }

    /// <summary>JOBOBJECT_MEMORY_USAGE_INFORMATION.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct JobUsage
    {
        public ulong JobMemory;
        public ulong PeakJobMemoryUsed;
    }
}
