namespace MemLoad;

/// <summary>
/// Selects the page size of fresh memory. Huge pages need 512 times fewer faults and are used while they are faster. The host of a virtual
/// machine can reclaim free memory, and it reclaims whole huge pages. The next first use of such a page then takes milliseconds. Small
/// pages are in fragments that the host does not reclaim, and keep their cost. Only a time measurement detects this state. The decision is
/// made once.
/// </summary>
internal sealed class FreshPages
{
    // Clearing 2 MiB takes 0.05 to 0.3 ms, and about 0.5 ms in small pages, faults included. The time above this limit is added up.
    private const long ExpectedNanoseconds = 1_000_000;

    // A few slow first uses are not enough, because fast ones compensate for them. A change without need costs half a millisecond per
    // remaining huge page, which is hundreds of milliseconds for a few gigabytes. The limit is about thirty slow first uses.
    private const long LargestExcess = 100_000_000;

    private long _excess;

    /// <summary>True while huge pages are faster.</summary>
    public bool UseHugePages { get; private set; } = true;

    /// <summary>
    /// Records the processor time of the first use of a huge page. Several threads can call it. A value that is lost in a race has no
    /// effect.
    /// </summary>
    public void AddTime(long nanoseconds)
    {
        _excess = Math.Max(0, _excess + nanoseconds - ExpectedNanoseconds);
        UseHugePages &= _excess <= LargestExcess;
    }
}
