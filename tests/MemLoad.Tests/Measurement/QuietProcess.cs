namespace MemLoad.Tests.Measurement;

/// <summary>Tests that weigh the whole process: nothing else may run beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
#pragma warning disable CA1711 // xunit's word for it.
public sealed class QuietProcess
#pragma warning restore CA1711
{
    public const string Name = "quiet process";

    /// <summary>Lets earlier tests' garbage go before the idle process is weighed, not while it is measured.</summary>
    public static void Settle()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
