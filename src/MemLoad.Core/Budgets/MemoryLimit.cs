namespace MemLoad;

/// <summary>What a limit counts of a load's memory.</summary>
public enum Counted
{
    /// <summary>Anonymous memory of the process alone (<c>ulimit -d</c>, the user's own limit).</summary>
    Anonymous,
    /// <summary>
    /// Anonymous and shared memory, the simulated device's pool included, and page tables. File-backed pages are charged too, but the kernel
    /// gives them up before anything fails, so they are no obstacle (control groups, <c>MemAvailable</c>, commit limits).
    /// </summary>
    AnonymousAndShared,
    /// <summary>Whatever is mapped, touched or not: anonymous memory and the whole length of mapped files (<c>ulimit -v</c>).</summary>
    AddressSpace,
    /// <summary>Memory that must not be paged out: pinned staging rings (<c>ulimit -l</c>).</summary>
    Locked,
}

/// <summary>One thing that limits how much host memory this process can take, as it stood when it was asked.</summary>
/// <param name="Name">What it is, as one would look it up: <c>MemAvailable</c>, <c>ulimit -v</c>, a control group's file.</param>
/// <param name="Counts">What it counts.</param>
/// <param name="LimitBytes">The limit itself.</param>
/// <param name="UsedBytes">What is used of it already and will not be given back under pressure.</param>
/// <param name="ReserveBytes">What is left alone of the rest: for page tables, the runtime's own growth, and the machine's other work.</param>
/// <param name="Why">The figures in a clause, for people.</param>
public sealed record MemoryLimit(string Name, Counted Counts, long LimitBytes, long UsedBytes, long ReserveBytes, string Why)
{
    // What a .NET process grows by while it loads: compiled code, thread stacks, the garbage collector's own tables.
    private const long RuntimeReserve = 64L << 20;

    // Address space is reserved by the hundred MiB long before it is used: an arena for each thread, stacks, code heaps.
    private const long AddressSpaceReserve = 256L << 20;

    // Page tables take 1/512 of what they map; the rest of this 1/64 is for what others do meanwhile.
    private const long ReserveDivisor = 64;

    /// <summary>Bytes that can still be taken before the limit is reached.</summary>
    public long AvailableBytes => Math.Max(0, LimitBytes - UsedBytes);

    /// <summary>Bytes a load may plan with: what is available less the reserve.</summary>
    public long BudgetBytes => Math.Max(0, AvailableBytes - ReserveBytes);

    /// <summary>A limit of the system, with the reserve that its kind calls for.</summary>
    internal static MemoryLimit OfSystem(string name, Counted counts, long limitBytes, long usedBytes, string why)
    {
        long available = Math.Max(0, limitBytes - usedBytes);
        long reserve = counts switch
        {
            Counted.Locked => 0,
            Counted.AddressSpace => AddressSpaceReserve,
            _ => RuntimeReserve + (available / ReserveDivisor),
        };
        return new MemoryLimit(name, counts, limitBytes, usedBytes, reserve, why);
    }
}
