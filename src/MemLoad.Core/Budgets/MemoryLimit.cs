namespace MemLoad;

/// <summary>The memory of a load that a limit counts.</summary>
public enum Counted
{
    /// <summary>Only anonymous memory of the process (<c>ulimit -d</c>, the limit of the user).</summary>
    Anonymous,
    /// <summary>
    /// Anonymous and shared memory, with the pool of the simulated device, and page tables. File-backed pages are also charged, but the
    /// kernel reclaims them before an allocation fails, so they do not count (control groups, <c>MemAvailable</c>, commit limits).
    /// </summary>
    AnonymousAndShared,
    /// <summary>All mapped memory, used or not: anonymous memory and the whole length of mapped files (<c>ulimit -v</c>).</summary>
    AddressSpace,
}

/// <summary>One limit on the host memory of this process, with the values at the time of the query.</summary>
/// <param name="Name">The name of the limit in documentation: <c>MemAvailable</c>, <c>ulimit -v</c>, a file of a control group.</param>
/// <param name="Counts">The memory that it counts.</param>
/// <param name="LimitBytes">The limit in bytes.</param>
/// <param name="UsedBytes">The used bytes that cannot be reclaimed.</param>
/// <param name="ReserveBytes">The reserve for page tables, growth of the runtime, and other programs.</param>
/// <param name="Why">The figures as text.</param>
public sealed record MemoryLimit(string Name, Counted Counts, long LimitBytes, long UsedBytes, long ReserveBytes, string Why)
{
    // The growth of a .NET process during a load: compiled code, thread stacks, tables of the garbage collector.
    private const long RuntimeReserve = 64L << 20;

    // Hundreds of MiB of address space are reserved before they are used: one arena per thread, stacks, code heaps.
    private const long AddressSpaceReserve = 256L << 20;

    // Page tables use 1/512 of the memory that they map. The rest of this 1/64 is for other programs.
    private const long ReserveDivisor = 64;

    /// <summary>Bytes that can be used before the limit is reached.</summary>
    public long AvailableBytes => Math.Max(0, LimitBytes - UsedBytes);

    /// <summary>Bytes for a plan: the available bytes less the reserve.</summary>
    public long BudgetBytes => Math.Max(0, AvailableBytes - ReserveBytes);

    /// <summary>Creates a limit of the system with the reserve of its kind.</summary>
    internal static MemoryLimit OfSystem(string name, Counted counts, long limitBytes, long usedBytes, string why)
    {
        long available = Math.Max(0, limitBytes - usedBytes);
        long reserve = counts == Counted.AddressSpace ? AddressSpaceReserve : RuntimeReserve + (available / ReserveDivisor);
        return new MemoryLimit(name, counts, limitBytes, usedBytes, reserve, why);
    }
}
