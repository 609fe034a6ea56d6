namespace MemLoad;

/// <summary>
/// The host memory that this process can still use, and the limits that determine it. These are limits of the computer, of containers and
/// of the process. Swap does not count, because a load must not swap.
/// </summary>
/// <param name="Limits">All limits, the tightest first.</param>
public sealed record Headroom(ImmutableArray<MemoryLimit> Limits)
{
    /// <summary>The tightest limit. Every limit counts anonymous memory. Null if the platform reports no limit.</summary>
    public MemoryLimit? Binding => Limits.FirstOrDefault();

    /// <summary>
    /// Bytes of anonymous memory that can be used before the first limit is reached. Null if the platform reports no limit.
    /// </summary>
    public long? AvailableBytes => Binding?.AvailableBytes;

    /// <summary>Bytes of shared memory, such as files in memory, that a budget allows. Null if the platform reports no limit.</summary>
    internal long? SharedBudgetBytes => Limits.FirstOrDefault(limit => limit.Counts == Counted.AnonymousAndShared)?.BudgetBytes;

    /// <summary>Reads the current limits of the system.</summary>
    /// <returns>The limits. Empty on a platform that reports none.</returns>
    public static Headroom Now()
    {
        IEnumerable<MemoryLimit> limits = OperatingSystem.IsLinux() ? new LinuxLimits().Read()
            : OperatingSystem.IsWindows() ? WindowsLimits.Read()
            : OperatingSystem.IsMacOS() ? MacLimits.Read()
            : [];
        return Of(limits);
    }

    /// <summary>Returns the limits with their figures, the tightest first.</summary>
    public override string ToString() => string.Join("; ", Limits.Select(limit => $"{limit.Name}: {limit.Why}"));

    internal static Headroom Of(IEnumerable<MemoryLimit> limits) => new([.. limits.OrderBy(limit => limit.BudgetBytes)]);
}
