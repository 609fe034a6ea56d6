namespace MemLoad.Commands;

/// <summary>Returns the host and device memory that this session holds, and its peaks.</summary>
[Cmdlet(VerbsCommon.Get, "MemoryUsage")]
[OutputType(typeof(SessionMemory))]
public sealed class GetMemoryUsageCommand : MemLoadCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        ModelSession session = Session;
        MemoryUsage host = MemoryUsage.Now();
        WriteObject(new SessionMemory
        {
            HostBytes = host.HostBytes,
            HostFileBytes = host.HostFileBytes,
            PeakResidentBytes = host.PeakResidentBytes,
            DeviceBytes = session.DeviceBytes,
            DeviceReservedBytes = session.DeviceReservedBytes,
            PeakDeviceBytes = session.PeakDeviceBytes,
            ModelCount = session.Models.Length,
            HostName = HostFacts.HostName,
        });
    }
}
