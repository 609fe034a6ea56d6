namespace MemLoad;

/// <summary>
/// Windows, from <c>GetProcessMemoryInfo</c> (psapi.h): private bytes, which is memory committed and so counts before it is touched, and
/// their peak over the life of the process. Hard faults and disk reads of one process are not told.
/// </summary>
internal sealed unsafe partial class WindowsProcessMemory : IProcessMemory
{
    private const nint CurrentProcess = -1;

    // The second length is the structure without its last two fields, for systems older than Windows 10 22H2.
    private static readonly uint FullLength = (uint)sizeof(Counters);
    private static readonly uint OlderLength = (uint)Marshal.OffsetOf<Counters>(nameof(Counters.PrivateWorkingSetSize));

    public MemoryReading Read()
    {
        Counters counters = default;
        counters.Length = FullLength;
        if (!GetProcessMemoryInfo(CurrentProcess, &counters, FullLength))
        {
            counters = default;
            counters.Length = OlderLength;
            if (!GetProcessMemoryInfo(CurrentProcess, &counters, OlderLength))
            {
                return default;
            }
        }
        // What of the working set is not private can be shared: mapped files and program images.
        long? file = counters.PrivateWorkingSetSize == 0 ? null
            : Math.Max(0, (long)counters.WorkingSetSize - (long)counters.PrivateWorkingSetSize);
        // Both are the commit charge; a system that fills in the older structure only leaves the newer field at zero, which no process can
        // have.
        nuint committed = counters.PrivateUsage != 0 ? counters.PrivateUsage : counters.PagefileUsage;
        return new MemoryReading((long)committed, file, (long)counters.PeakPagefileUsage);
    }

    [LibraryImport("kernel32", EntryPoint = "K32GetProcessMemoryInfo")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetProcessMemoryInfo(nint process, Counters* counters, uint length);

    /// <summary>PROCESS_MEMORY_COUNTERS_EX2.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Counters
    {
        public uint Length;
        public uint PageFaultCount;
        public nuint PeakWorkingSetSize;
        public nuint WorkingSetSize;
        public nuint QuotaPeakPagedPoolUsage;
        public nuint QuotaPagedPoolUsage;
        public nuint QuotaPeakNonPagedPoolUsage;
        public nuint QuotaNonPagedPoolUsage;
        public nuint PagefileUsage;
        public nuint PeakPagefileUsage;
        public nuint PrivateUsage;
        public nuint PrivateWorkingSetSize;
        public ulong SharedCommitUsage;
    }
}
