namespace MemLoad.Commands;

/// <summary>Lowers the recorded peaks of host and device memory to the memory that is held now.</summary>
[Cmdlet(VerbsCommon.Reset, "MemoryPeak", SupportsShouldProcess = true)]
public sealed class ResetMemoryPeakCommand : MemLoadCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!ShouldProcess("The memory peaks of this process", "Reset"))
        {
            return;
        }
        Session.ResetPeak();
        if (!MemoryUsage.ResetPeak())
        {
            WriteWarning("This system does not let a process reset its host memory peak: PeakResidentBytes counts from the start of the "
                + "process.");
        }
    }
}
