using System.Runtime;

namespace MemLoad.Commands;

/// <summary>Frees every model of this session, collects garbage, and resets the peaks.</summary>
[Cmdlet(VerbsCommon.Clear, "ModelMemory", SupportsShouldProcess = true)]
public sealed class ClearModelMemoryCommand : MemLoadCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        LoadedGptModel[] models = Session.Models;
        if (!ShouldProcess($"{Figures.Count(models.Length, "model")} ({models.Sum(model => model.ModelBytes)} bytes)", "Free"))
        {
            return;
        }
        Session.Clear();
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        Session.ResetPeak();
        _ = MemoryUsage.ResetPeak();
    }
}
