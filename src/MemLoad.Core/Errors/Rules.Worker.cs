namespace MemLoad;

/// <summary>Rules on measured processes (ML801x).</summary>
internal static partial class Rules
{
    public static Rule WorkerFailed => field ??= new("ML8011", "the measured process answers",
        $"Measure again. If it fails again, measure in this process ({Setting.InProcess}) to see the error.");
    public static Rule WorkerKilled =>
        field ??= new("ML8012", "the measured process is not killed", "Find out which program killed it: see the log of the system.");
    public static Rule WorkerOutOfMemory => field ??= new("ML8013", "the system has enough memory for the load",
        $"Choose a strategy with a lower forecast ({Setting.Strategy}); {Act.Plan} shows what each strategy needs.");
    public static Rule Interrupted => field ??= new("ML8014", "the measurement is not interrupted", "Start the measurement again.");
    public static Rule ProgramFailed =>
        field ??= new("ML8016", "the measured program starts and succeeds", "Run the program alone, and read what it prints.");
    public static Rule ProgramsUnmeasured => field ??= new("ML8017", "other programs are measured on Linux",
        $"Measure the loads of MemLoad ({Setting.Strategy}), or measure the program on Linux.");
    public static Rule BoundExceeded => field ??= new("ML8018", "a load stays within its bounds",
        $"Find out what changed since the bound was chosen, or choose another bound ({Setting.FailAbove}).");
    public static Rule WorkerLostMapping => field ??= new("ML8015", "a mapped file does not become shorter while it is measured",
        $"Measure again when no program writes to the file. If it fails again, the disk may be defective: read the file once with "
            + $"{(Act.Test, Setting.Deep)}.");
}
