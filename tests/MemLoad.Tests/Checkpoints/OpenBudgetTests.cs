namespace MemLoad.Tests.Checkpoints;

/// <summary>
/// The memory that opening may use. A given limit is exact to the byte. Without a limit, it is proportional to the files.
/// </summary>
public sealed class OpenBudgetTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void A_limit_on_memory_can_be_used_to_its_last_byte_by_all_files_together()
    {
        var whole = new OpenBudget(new OpenLimits { HeaderMemoryBytes = 100_000 });
        FileBudget one = whole.OfFile("one");
        FileBudget other = whole.OfFile("other");
        one.Grant(1 << 30); // a limit that is given does not grow with the headers

        one.Spend(60_000);
        other.Spend(40_000);
        other.Settle();

        one.Spend(1); // too little to be settled immediately
        MemLoadException refusal = Assert.Throws<MemLoadException>(() => one.Settle());
        Assert.Equal(("ML1013", "one"), (refusal.Rule.Id, refusal.Path));
        Assert.Contains("header-memory=15728640", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_limit_memory_grows_with_the_headers()
    {
        FileBudget budget = new OpenBudget(new OpenLimits()).OfFile("x");
        budget.Grant(MiB);
        budget.Grant(MiB);

        budget.Spend((15 * MiB) + (8 * 2 * MiB));

        budget.Spend(1);
        Assert.Throws<MemLoadException>(() => budget.Settle());
    }

    [Fact]
    public void Small_amounts_count_as_soon_as_their_sum_is_large()
    {
        FileBudget budget = new OpenBudget(new OpenLimits { HeaderMemoryBytes = 0 }).OfFile("x");

        budget.Spend((1 << 14) - 1);

        Assert.Throws<MemLoadException>(() => budget.Spend(1));
    }

    [Fact]
    public void Views_can_be_larger_than_the_files_up_to_the_limit()
    {
        var budget = new OpenBudget(new OpenLimits());
        budget.AddFile(MiB);
        budget.AddFile(MiB);
        const long Allowed = (1L << 30) + (1024 * 2 * MiB);

        Assert.True(budget.TryExpand(Allowed - 5, out long total, out long allowed));
        Assert.Equal((Allowed - 5, Allowed), (total, allowed));
        Assert.True(budget.TryExpand(5, out _, out _));
        Assert.False(budget.TryExpand(1, out total, out _));
        Assert.Equal(Allowed + 1, total);
    }

    [Fact]
    public void Sums_beyond_64_bits_are_refused_and_files_of_any_length_are_not()
    {
        var budget = new OpenBudget(new OpenLimits { ExpandedBytes = long.MaxValue });
        Assert.True(budget.TryExpand(long.MaxValue, out _, out _));
        Assert.True(budget.TryExpand(long.MaxValue, out _, out _));
        Assert.False(budget.TryExpand(long.MaxValue, out _, out _));

        var large = new OpenBudget(new OpenLimits());
        large.AddFile(long.MaxValue);
        Assert.True(large.TryExpand(1, out _, out long allowed));
        Assert.Equal(long.MaxValue, allowed);
    }
}
