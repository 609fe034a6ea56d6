namespace MemLoad.Tests.Budgets;

/// <summary>Plans compared with limits. Each limit counts the memory that the kernel counts for it.</summary>
public sealed class MemoryBudgetTests
{
    private const long MiB = 1 << 20;

    // 100 tensors of 1 MiB.
    private static readonly Checkpoint Model = SyntheticCheckpoint.OfCounts([.. Enumerable.Repeat(MiB / 4, 100)]);

    [Theory]
    // A control group can reclaim all memory of a mapped file. The mapping uses address space of its whole length.
    [InlineData(Strategy.Mmap, Counted.AnonymousAndShared, 1, true)]
    [InlineData(Strategy.Mmap, Counted.Anonymous, 1, true)]
    [InlineData(Strategy.Mmap, Counted.AddressSpace, 99, false)]
    [InlineData(Strategy.Stream, Counted.AnonymousAndShared, 99, false)]
    [InlineData(Strategy.Stream, Counted.AnonymousAndShared, 101, true)]
    [InlineData(Strategy.Stream, Counted.AddressSpace, 101, true)]
    [InlineData(Strategy.Baseline, Counted.Anonymous, 199, false)]
    [InlineData(Strategy.Baseline, Counted.Anonymous, 200, true)]
    // Nothing is pinned.
    public void On_the_host(Strategy strategy, Counted counts, long mebibytes, bool fits)
    {
        using var cpu = new HostDevice();
        Assert.Equal(fits, Check(strategy, cpu, counts, mebibytes) is null);
    }

    [Theory]
    // The pool of the simulated device is memory of the machine, but not of this process.
    [InlineData(Strategy.Stream, Counted.AnonymousAndShared, 103, false)]
    [InlineData(Strategy.Stream, Counted.AnonymousAndShared, 104, true)]
    [InlineData(Strategy.Stream, Counted.Anonymous, 4, true)]
    [InlineData(Strategy.Stream, Counted.Anonymous, 3, false)]
    [InlineData(Strategy.PerTensor, Counted.Anonymous, 1, true)]
    [InlineData(Strategy.Mmap, Counted.AddressSpace, 99, false)]
    public void On_the_simulated_device(Strategy strategy, Counted counts, long mebibytes, bool fits)
    {
        using var sim = new SimulatedDevice();
        Assert.Equal(fits, Check(strategy, sim, counts, mebibytes) is null);
    }

    [Fact]
    public void The_limit_with_the_largest_shortage_is_named()
    {
        using var cpu = new HostDevice();
        var budget = MemoryBudget.For(
            Request, cpu, Headroom.Of([Limit("a", Counted.Anonymous, 90), Limit("b", Counted.AnonymousAndShared, 50)]));

        Shortfall lack = CheckOf(Strategy.Stream, cpu, budget)!.Value;

        Assert.Equal(("b", 50 * MiB, 50 * MiB), (lack.Limit!.Name, lack.BudgetBytes, lack.MissingBytes));
    }

    [Fact]
    public void The_limit_of_the_user_lowers_the_budget_and_never_raises_it()
    {
        using var cpu = new HostDevice();
        var headroom = Headroom.Of([Limit("system", Counted.AnonymousAndShared, 80)]);

        Assert.Equal(30 * MiB, MemoryBudget.For(Request with { HostMemoryLimit = 30 * MiB }, cpu, headroom).Host!.BudgetBytes);
        Assert.Equal("system", MemoryBudget.For(Request with { HostMemoryLimit = 500 * MiB }, cpu, headroom).Host!.Name);
    }

    [Fact]
    public void The_rounded_need_is_compared_with_the_free_memory_of_a_device()
    {
        using var sim = new SimulatedDevice(90 * MiB);
        var budget = MemoryBudget.For(Request, sim, new Headroom([]));

        Shortfall lack = CheckOf(Strategy.Stream, sim, budget)!.Value;

        Assert.Null(lack.Limit);
        Assert.Equal(90 * MiB, lack.BudgetBytes);
        Assert.Equal(90 * MiB, budget.DeviceBytes);
        Assert.Null(budget.Host);
    }

    [Theory]
    [InlineData(90, 50, 50)]
    [InlineData(50, 90, 50)]
    [InlineData(90, null, 90)]
    [InlineData(null, 50, 50)]
    [InlineData(null, null, null)]
    public void The_budget_is_the_smaller_of_the_memory_of_a_device_and_the_limit_of_the_user(int? free, int? allowed, int? counts)
    {
        LoadRequest request = Request with { DeviceMemoryLimit = allowed * MiB };
        using var sim = new SimulatedDevice(free * MiB);
        using var cpu = new HostDevice();

        Assert.Equal(counts * MiB, MemoryBudget.For(request, sim, new Headroom([])).DeviceBytes);
        Assert.Null(MemoryBudget.For(request, cpu, new Headroom([])).DeviceBytes); // the host has no separate memory
    }

    [Fact]
    public void Memory_of_a_card_does_not_count_as_memory_of_the_machine()
    {
        using var sim = new SimulatedDevice();
        using var card = new Card();

        Assert.NotNull(Check(Strategy.Stream, sim, Counted.AnonymousAndShared, 50));
        Assert.Null(Check(Strategy.Stream, card, Counted.AnonymousAndShared, 50));
    }

    [Fact]
    public void A_need_beyond_64_bits_fits_no_budget()
    {
        using var cpu = new HostDevice();
        var budget = MemoryBudget.For(Request, cpu, Headroom.Of([Limit("group", Counted.AnonymousAndShared, 100)]));
        var forecast = new PlanForecast(long.MaxValue, 512, long.MaxValue, long.MaxValue, 0, default);

        Assert.Throws<OverflowException>(() => budget.Check(forecast, static _ => { }));
    }

    [Fact]
    public void Without_a_limit_that_counts_shared_memory_every_mapped_page_may_stay()
    {
        using var cpu = new HostDevice();
        var forecast = Forecasts.Of(LoadPlan.Create(Strategy.Mmap, Model, cpu), cpu);

        Assert.Equal(0, MemoryBudget.For(Request, cpu, Headroom.Of([Limit("data", Counted.Anonymous, 1)])).EvictedBytes(forecast));
        Assert.Equal(0, MemoryBudget.For(Request, cpu, new Headroom([])).EvictedBytes(forecast));
    }

    [Fact]
    public void Mapped_pages_that_do_not_all_fit_are_reported()
    {
        using var cpu = new HostDevice();
        var forecast = Forecasts.Of(LoadPlan.Create(Strategy.Mmap, Model, cpu), cpu);

        Assert.InRange(Budget(cpu, 40).EvictedBytes(forecast), 60 * MiB, 61 * MiB);
        Assert.Equal(0, Budget(cpu, 200).EvictedBytes(forecast));

        static MemoryBudget Budget(IDevice device, long mebibytes) =>
            MemoryBudget.For(Request, device, Headroom.Of([Limit("group", Counted.AnonymousAndShared, mebibytes)]));
    }

    private static LoadRequest Request { get; } = new() { Path = "/nowhere/model.pth", Strategy = Strategy.Stream };

    // Returns a limit with a budget in MiB and no reserve.
    private static MemoryLimit Limit(string name, Counted counts, long mebibytes) => new(name, counts, mebibytes * MiB, 0, 0, name);

    private static Shortfall? Check(Strategy strategy, IDevice device, Counted counts, long mebibytes) =>
        CheckOf(strategy, device, MemoryBudget.For(Request, device, Headroom.Of([Limit("limit", counts, mebibytes)])));

    private static Shortfall? CheckOf(Strategy strategy, IDevice device, MemoryBudget budget)
    {
        var plan = LoadPlan.Create(strategy, Model, device);
        return budget.Check(plan, Forecasts.Of(plan, device));
    }

    // A device with memory that is not memory of the machine.
    private sealed class Card : IDevice
    {
        public string Name => "card";

        public bool IsHost => false;

        public bool ReservesSharedMemory => false;

        public long? CapacityBytes => null;

        public long? FreeBytes => null;

        public DeviceMemory Memory => default;

        public MemoryBuffer Allocate(long bytes) => throw new NotSupportedException();

        public CachingAllocator NewForecastAllocator() => new();

        public void Dispose()
        {
        }
    }
}
