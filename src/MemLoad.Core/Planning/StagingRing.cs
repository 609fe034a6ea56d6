namespace MemLoad;

/// <summary>The ring of host memory through which Stream passes a file to a device: a few slots, each filled and emptied by a thread of its own.</summary>
internal static class StagingRing
{
    /// <summary>R: the most a ring takes unless told otherwise, 4 MiB. A slot of 1 MiB is still in the processor's second cache when it is copied out of
    /// again, and large enough for a disk.</summary>
    public const long DefaultBytes = 4L << 20;

    /// <summary>Slots of a ring: enough that disk and device are both busy.</summary>
    internal const int Slots = 4;

    private const long Page = 4096;

    /// <summary>The sizes that <see cref="Strategy.Auto"/> chooses among, largest first.</summary>
    internal static IReadOnlyList<long> Sizes { get; } = [64L << 20, 16L << 20, DefaultBytes, 1L << 20];

    /// <summary>Size of the ring for this many bytes to pass: all of them at once if they fit, in whole pages a slot.</summary>
    internal static long BytesFor(long modelBytes, long limit) => Slots * Math.Max(Page, (Math.Min(modelBytes, limit) + (Slots * Page) - 1) / (Slots * Page) * Page);
}
