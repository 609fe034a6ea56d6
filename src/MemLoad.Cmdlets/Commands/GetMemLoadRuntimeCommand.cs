using System.Runtime.InteropServices;

namespace MemLoad.Commands;

/// <summary>Returns the devices, why one is not available, and the machine and software of MemLoad.</summary>
[Cmdlet(VerbsCommon.Get, "MemLoadRuntime")]
[OutputType(typeof(RuntimeInfo))]
public sealed class GetMemLoadRuntimeCommand : MemLoadCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var headroom = Headroom.Now();
        foreach (DeviceStatus device in DeviceRegistry.List())
        {
            WriteObject(new RuntimeInfo
            {
                Device = device.Name,
                Available = device.Available,
                Details = device.Details,
                Library = device.Library,
                LibraryPath = device.LibraryPath,
                ModuleVersion = HostFacts.ModuleVersion,
                DotNet = RuntimeInformation.FrameworkDescription,
                OperatingSystem = $"{RuntimeInformation.OSDescription} {RuntimeInformation.ProcessArchitecture}",
                ProcessorName = HostFacts.ProcessorName,
                ProcessorCount = Environment.ProcessorCount,
                TotalMemoryBytes = HostFacts.TotalMemoryBytes,
                AvailableMemoryBytes = headroom.AvailableBytes,
                HostBudgetBytes = headroom.Binding?.BudgetBytes,
                HostLimit = headroom.Binding?.Name,
                HostLimitReason = headroom.Binding?.Why,
                DeviceFreeBytes = device.FreeBytes,
                Headroom = headroom,
                CacheFolder = MemLoad.CacheFolder.Path,
                HostName = HostFacts.HostName,
            });
        }
    }
}
