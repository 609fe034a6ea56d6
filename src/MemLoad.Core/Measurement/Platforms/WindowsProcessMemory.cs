namespace MemLoad;

/// <summary>
/// The figures on Windows, from <c>GetProcessMemoryInfo</c> (psapi.h): private bytes, and their peak since the start of the process.
/// Private bytes are committed memory, which counts before it is touched. Windows does not report the hard faults and the disk reads of one
/// process.
/// </summary>
internal sealed unsafe partial class WindowsProcessMemory : IProcessMemory
{
    private const nint CurrentProcess = -1;

    // The second length is that of the structure without its last two fields, for systems older than Windows 10 22H2.
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
        // The part of the working set that is not private can be shared. It consists of mapped files and program images.
        long? file = counters.PrivateWorkingSetSize == 0 ? null
            : Math.Max(0, (long)counters.WorkingSetSize - (long)counters.PrivateWorkingSetSize);
        // Both fields are the commit charge. A system that supports only the older structure leaves the newer field at zero, which no
        // process can have.
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
