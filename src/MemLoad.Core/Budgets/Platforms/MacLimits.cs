namespace MemLoad;

/// <summary>
/// The memory limit of a Mac: physical memory less what the kernel counts as neither free nor file-backed (<c>vm.page_*</c> of sysctl(3)).
/// </summary>
internal static class MacLimits
{
    public static IEnumerable<MemoryLimit> Read()
    {
        if (MacFacts.Number("hw.memsize") is not long total || MacFacts.Number("hw.pagesize") is not long page)
        {
            yield break;
        }
        // 32-bit page counters. A missing counter means that no memory is available.
        long available = page * ((MacFacts.Number32("vm.page_free_count") ?? 0)
            + (MacFacts.Number32("vm.page_pageable_external_count") ?? 0) + (MacFacts.Number32("vm.page_purgeable_count") ?? 0));
        available = Math.Min(available, total);
        yield return MemoryLimit.OfSystem("available memory", Counted.AnonymousAndShared, total, total - available,
            $"the machine has {Printable.Bytes(total)}, of which {Printable.Bytes(available)} are available");
    }
}
