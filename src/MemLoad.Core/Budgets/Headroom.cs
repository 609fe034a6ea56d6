using System.Collections.Immutable;

namespace MemLoad;

/// <summary>
/// How much host memory this process can still take, and what says so: every limit that applies to it, the machine's, its containers', its
/// own. Swap is left out: a load that swaps is none.
/// </summary>
/// <param name="Limits">All limits found, the tightest first, that on locked memory last.</param>
public sealed record Headroom(ImmutableArray<MemoryLimit> Limits)
{
    /// <summary>The limit that binds anonymous memory, which every limit but that on locked memory counts; null where the platform tells of none.</summary>
    public MemoryLimit? Binding => Limits.FirstOrDefault(limit => limit.Counts != Counted.Locked);

    /// <summary>Bytes of anonymous memory that can be taken before the first limit is reached; null where the platform tells of none.</summary>
    public long? AvailableBytes => Binding?.AvailableBytes;

    /// <summary>Asks the system now.</summary>
    /// <returns>Whatever it tells; an empty headroom on a platform that tells nothing.</returns>
    public static Headroom Now()
    {
        IEnumerable<MemoryLimit> limits = OperatingSystem.IsLinux() ? new LinuxLimits().Read()
            : OperatingSystem.IsWindows() ? WindowsLimits.Read()
            : OperatingSystem.IsMacOS() ? MacLimits.Read()
            : [];
        return Of(limits);
    }

    internal static Headroom Of(IEnumerable<MemoryLimit> limits) => new([.. limits.OrderBy(limit => limit.Counts == Counted.Locked).ThenBy(limit => limit.BudgetBytes)]);
}
