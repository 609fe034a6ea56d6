namespace MemLoad;

/// <summary>Rules on measured processes (ML801x).</summary>
internal static partial class Rules
{
    public static readonly Rule WorkerFailed = new("ML8011", "the measured process answers", $"Measure again; if it stays so, measure in this process ({Setting.InProcess}) to see the failure itself.");
    public static readonly Rule WorkerKilled = new("ML8012", "the measured process is left to finish", "See who killed it; the system's log tells.");
    public static readonly Rule WorkerOutOfMemory = new("ML8013", "the system has the memory for the load",
        $"Choose a strategy with a lower forecast ({Setting.Strategy}); {Act.Plan} shows what each needs.");
    public static readonly Rule Interrupted = new("ML8014", "the measurement is left to finish", "Start it again when convenient.");
    public static readonly Rule WorkerLostMapping = new("ML8015", "mapped files keep their bytes while they are measured",
        $"Measure again once nothing writes to the file; if it stays so, the disk may be failing: read it once with {(Act.Test, Setting.Deep)}.");
}
