namespace MemLoad.Tests.Budgets;

/// <summary>
/// The page tables of the kernel for mapped pages: 8 bytes per page of 4 KiB. No kernel frees them while the file is mapped.
/// </summary>
public sealed class PageTableTests
{
    private const long GiB = 1L << 30;

    private static readonly Checkpoint Model = SyntheticCheckpoint.OfCounts(GiB); // 4 GiB

    [Theory]
    [InlineData("cpu", Strategy.Mmap, 8 << 20)]
    [InlineData("sim", Strategy.Mmap, 8 << 20)]
    [InlineData("cpu", Strategy.Stream, 0)]
    [InlineData("sim", Strategy.Stream, 0)]
    public void They_count_in_full_where_the_kernel_counts_them(string name, Strategy strategy, long tables)
    {
        using IDevice device = DeviceRegistry.Open(name);
        var plan = LoadPlan.Create(strategy, Model, device);
        var forecast = Forecasts.Of(plan, device);
        long memory = device.IsHost ? forecast.PeakHostBytes : forecast.PeakHostAndDeviceBytes;

        Assert.Null(Check(memory + tables));
        Assert.Equal((memory + tables, 1L), (Check(memory + tables - 1)!.Value.NeedBytes, Check(memory + tables - 1)!.Value.MissingBytes));

        Shortfall? Check(long bytes) => BudgetOf(device, Counted.AnonymousAndShared, bytes).Check(plan, forecast);
    }

    [Fact]
    public void They_do_not_count_as_memory_of_the_process()
    {
        using IDevice cpu = DeviceRegistry.Open("cpu");
        var plan = LoadPlan.Create(Strategy.Mmap, Model, cpu);
        var forecast = Forecasts.Of(plan, cpu);

        Assert.Null(BudgetOf(cpu, Counted.Anonymous, forecast.PeakHostBytes).Check(plan, forecast));
    }

    [Fact]
    public void They_reduce_the_memory_for_mapped_pages()
    {
        using IDevice cpu = DeviceRegistry.Open("cpu");
        var forecast = Forecasts.Of(LoadPlan.Create(Strategy.Mmap, Model, cpu), cpu);
        long memory = forecast.PeakHostBytes + forecast.PeakHostFileBytes;
        long tables = forecast.PeakHostFileBytes / 512;

        Assert.Equal(tables, BudgetOf(cpu, Counted.AnonymousAndShared, memory).EvictedBytes(forecast));
        Assert.Equal(0, BudgetOf(cpu, Counted.AnonymousAndShared, memory + tables).EvictedBytes(forecast));
    }

    private static MemoryBudget BudgetOf(IDevice device, Counted counts, long bytes)
    {
        var request = new LoadRequest { Path = "/nowhere/model.pth", Strategy = Strategy.Mmap };
        return MemoryBudget.For(request, device, Headroom.Of([new MemoryLimit("limit", counts, bytes, 0, 0, "limit")]));
    }
}
