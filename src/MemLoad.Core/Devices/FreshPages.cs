namespace MemLoad;

/// <summary>
/// Which pages fresh memory should come in: huge ones, which need 512 times fewer faults, for as long as they are the cheaper ones. On a virtual machine
/// whose host takes free memory back, it takes it back in whole huge pages; the next touch of one then costs milliseconds, while small pages, which lie
/// in fragments that the host left alone, cost what they always do. Nothing but the clock tells, so the clock decides, once.
/// </summary>
internal sealed class FreshPages
{
    // Clearing 2 MiB takes 0.05 to 0.3 ms, and about 0.5 ms in small pages, faults included. What a touch takes beyond this is owed.
    private const long Fair = 1_000_000;

    // A row of dear touches is no reason yet: fair ones make up for them, and who goes over for nothing pays half a millisecond for each huge page
    // that was still to come, hundreds for a few gigabytes. This is some thirty dear touches.
    private const long Patience = 100_000_000;

    private long _owed;

    /// <summary>True until huge pages have proved to be dear.</summary>
    public bool AreHuge { get; private set; } = true;

    /// <summary>Takes note of the processor time that the first touch of a huge page took. Threads may call it at once; what is lost in a race comes again.</summary>
    public void Took(long nanoseconds)
    {
        _owed = Math.Max(0, _owed + nanoseconds - Fair);
        AreHuge &= _owed <= Patience;
    }
}
