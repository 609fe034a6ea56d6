namespace MemLoad;

/// <summary>
/// The figures on macOS, from <c>proc_pid_rusage</c> (libproc.h). They are the physical footprint, its peak since the start of the process,
/// page-ins, and bytes read from the disk. The system compares the footprint with the limits of a process. The footprint does not include
/// clean file-backed pages, which the system does not report.
/// </summary>
internal sealed unsafe partial class MacProcessMemory : IProcessMemory
{
    private const int UsageVersion4 = 4;

    public MemoryReading Read() => TryGetUsage(out Usage usage)
        ? new MemoryReading((long)usage.PhysicalFootprint, null, (long)usage.LifetimeMaxPhysicalFootprint)
        : default;

    public ProcessCounters ReadCounters() => TryGetUsage(out Usage usage)
        ? new ProcessCounters((long)usage.PageIns, (long)usage.DiskBytesRead)
        : default;

    private static bool TryGetUsage(out Usage usage)
    {
        fixed (Usage* pointer = &usage)
        {
            *pointer = default;
            return GetUsage(Environment.ProcessId, UsageVersion4, pointer) == 0;
        }
    }

    [LibraryImport("libproc", EntryPoint = "proc_pid_rusage")]
    private static partial int GetUsage(int processId, int version, Usage* usage);

    /// <summary>
    /// struct rusage_info_v4 (sys/resource.h): 16 bytes of uuid, then 35 unsigned 64-bit fields. Only these fields are read.
    /// </summary>
    [StructLayout(LayoutKind.Explicit, Size = 16 + (35 * 8))]
    private struct Usage
    {
        [FieldOffset(16 + (4 * 8))]
        public ulong PageIns;

        [FieldOffset(16 + (7 * 8))]
        public ulong PhysicalFootprint;

        [FieldOffset(16 + (16 * 8))]
        public ulong DiskBytesRead;

        [FieldOffset(16 + (28 * 8))]
        public ulong LifetimeMaxPhysicalFootprint;
    }
}
