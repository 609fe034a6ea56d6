namespace MemLoad;

/// <summary>
/// The figures of the notebook for gpt2-xl in float32 on a CUDA device, in GB of 1024³ bytes (S. Raschka, "Memory-efficient Model Weight
/// Loading", Build a Large Language Model From Scratch, chapter 5, bonus). Its CPU figures were sampled every 100 ms, so they can miss a
/// peak.
/// </summary>
internal static class NotebookFigures
{
    public const string Size = "gpt2-xl";

    /// <summary>Returns the peaks of device and host in bytes. Null for a strategy that the notebook does not have.</summary>
    public static (long Device, long Host)? Of(string strategy) => strategy switch
    {
        nameof(Strategy.Baseline) => (Tenths(128), Tenths(44)),
        nameof(Strategy.Sequential) => (Tenths(67), Tenths(63)),
        nameof(Strategy.Meta) => (Tenths(128), Tenths(13)),
        nameof(Strategy.Mmap) => (Tenths(64), Tenths(59)),
        nameof(Strategy.PerTensor) => (Tenths(64), Tenths(3)),
        _ => null,
    };

    private static long Tenths(long gigabytes) => gigabytes * (1L << 30) / 10;
}
