using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>Facts about a Windows machine.</summary>
internal static unsafe partial class WindowsFacts
{
    /// <summary>Physical memory in bytes, or null.</summary>
    public static long? TotalMemory() => (long?)Memory()?.TotalPhysical;

    /// <summary>The memory of the system (<c>GlobalMemoryStatusEx</c>), or null.</summary>
    public static MemoryStatus? Memory()
    {
        MemoryStatus status = default;
        status.Length = (uint)sizeof(MemoryStatus);
        return GetMemoryStatus(&status) ? status : null;
    }

    [LibraryImport("kernel32", EntryPoint = "GlobalMemoryStatusEx")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetMemoryStatus(MemoryStatus* status);

    /// <summary>MEMORYSTATUSEX.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct MemoryStatus
    {
        public uint Length;
        public uint MemoryLoad;
        public ulong TotalPhysical;
        public ulong AvailablePhysical;
        public ulong TotalPageFile;
        public ulong AvailablePageFile;
        public ulong TotalVirtual;
        public ulong AvailableVirtual;
        public ulong AvailableExtendedVirtual;
    }
}
