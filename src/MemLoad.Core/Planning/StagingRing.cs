namespace MemLoad;

/// <summary>
/// The ring of host memory through which Stream passes a file to a device. It has a few slots, and each slot is filled and emptied by its
/// own thread.
/// </summary>
internal static class StagingRing
{
    /// <summary>
    /// R: the default maximum of a ring, 4 MiB. A slot of 1 MiB is still in the second-level cache when it is copied, and large enough for
    /// a disk.
    /// </summary>
    public const long DefaultBytes = 4L << 20;

    /// <summary>The number of slots of a ring: enough to keep the disk and the device busy.</summary>
    internal const int Slots = 4;

    private const long Page = 4096;

    /// <summary>The sizes that <see cref="Strategy.Auto"/> chooses from, largest first.</summary>
    internal static IReadOnlyList<long> Sizes { get; } = [64L << 20, 16L << 20, DefaultBytes, 1L << 20];

    /// <summary>
    /// Returns the size of the ring for the given number of bytes. It has space for all of them up to the limit, in whole pages per slot.
    /// </summary>
    internal static long BytesFor(long modelBytes, long limit) =>
        Slots * Math.Max(Page, (Math.Min(modelBytes, limit) + (Slots * Page) - 1) / (Slots * Page) * Page);
}
