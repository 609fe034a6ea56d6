using System.Runtime.Versioning;
using Microsoft.Win32;

namespace MemLoad;

/// <summary>Facts about a Windows machine.</summary>
internal static unsafe partial class WindowsFacts
{
    /// <summary>Physical memory in bytes; null if it is not known.</summary>
    public static long? TotalMemory() => (long?)Memory()?.TotalPhysical;

    /// <summary>
    /// The name that the processor reports, which Windows keeps in the registry. Without it, the family and the model
    /// (<c>PROCESSOR_IDENTIFIER</c>).
    /// </summary>
    [SupportedOSPlatform("windows")]
    public static string? ProcessorName()
    {
        using RegistryKey? processor = Registry.LocalMachine.OpenSubKey(@"HARDWARE\DESCRIPTION\System\CentralProcessor\0");
        return (processor?.GetValue("ProcessorNameString") as string)?.Trim() is { Length: > 0 } name ? name
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
    }

    /// <summary>Returns the memory of the system (<c>GlobalMemoryStatusEx</c>); null if the call fails.</summary>
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
