namespace MemLoad.Tests.Measurement;

/// <summary>Tests that measure the whole process, so that no other test may run at the same time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
#pragma warning disable CA1711 // xunit's word for it.
public sealed class QuietProcess
#pragma warning restore CA1711
{
    public const string Name = "quiet process";

    /// <summary>Frees the garbage of earlier tests before the idle process is measured, and not during the measurement.</summary>
    public static void Settle()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
