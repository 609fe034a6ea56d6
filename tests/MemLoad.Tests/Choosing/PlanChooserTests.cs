namespace MemLoad.Tests.Choosing;

/// <summary>The choice of Auto, and the suggestion of a refusal, for machines of any speed and size.</summary>
public sealed class PlanChooserTests
{
    private const long MiB = 1 << 20;

    private static readonly Lazy<double> Warm = new(1);

    // 200 tensors of 1 MiB.
    private static readonly Checkpoint Model = SyntheticCheckpoint.OfCounts([.. Enumerable.Repeat(MiB / 4, 200)]);

    [Fact]
    public void The_fastest_plan_that_fits_is_chosen_with_its_ring()
    {
        using var sim = new SimulatedDevice();
        MachineSpeed smallRings = Speed(mapped: 3, ring64: 2, ring4: 1);

        PlanCandidate taken = Chooser(sim, 500, smallRings).Choose(out string why);
        Assert.Equal((Strategy.Stream, 4 * MiB), (taken.Strategy, taken.RingBytes));
        Assert.Contains("the fastest plan that fits", why, StringComparison.Ordinal);

        Assert.Equal(Strategy.Mmap, Chooser(sim, 500, Speed(mapped: 0.5, ring64: 2, ring4: 1)).Choose(out _).Strategy);
    }

    [Fact]
    public void Of_equally_fast_plans_the_one_that_does_not_keep_the_file_open_is_chosen()
    {
        using var sim = new SimulatedDevice();
        Assert.Equal(Strategy.Stream, Chooser(sim, 500, Speed(mapped: 1, ring64: 2, ring4: 1.05)).Choose(out string why).Strategy);
        Assert.Contains("about as fast as Mmap", why, StringComparison.Ordinal);
        Assert.Equal(Strategy.Mmap, Chooser(sim, 500, Speed(mapped: 1, ring64: 2, ring4: 1.15)).Choose(out _).Strategy);
    }

    [Fact]
    public void A_faster_plan_that_does_not_fit_is_not_chosen_and_the_reason_names_it()
    {
        using var cpu = new HostDevice();
        // There is address space for the weights, but not also for a mapping of the file, which has twice the length of the loaded part.
        Checkpoint half = Model.Select(null, ["t?", "t??"]);
        var budget = MemoryBudget.For(Request, cpu, Headroom.Of([new MemoryLimit("ulimit -v", Counted.AddressSpace, 150 * MiB, 0, 0, "")]));

        PlanCandidate taken = new PlanChooser(half, cpu, budget, Speed(1, 1, 1), Warm).Choose(out string why);

        Assert.Equal(Strategy.Stream, taken.Strategy);
        Assert.Contains("faster but too large: Mmap (", why, StringComparison.Ordinal);
    }

    [Fact]
    public void If_no_plan_fits_the_plan_with_the_smallest_shortage_is_named()
    {
        using var sim = new SimulatedDevice(20 * MiB);
        PlanCandidate taken = Chooser(sim, 500).Choose(out string why);
        Assert.NotNull(taken.Shortfall);
        Assert.StartsWith("no plan fits", why, StringComparison.Ordinal);
    }

    [Fact]
    public void Cold_files_cost_the_time_of_the_disk()
    {
        using var sim = new SimulatedDevice();
        MachineSpeed speed = Speed(mapped: 1, ring64: 2, ring4: 2, mappedCold: 9, ringCold: 4);
        Assert.Equal(Strategy.Mmap, Chooser(sim, 500, speed, cachedShare: 1).Choose(out _).Strategy);
        Assert.Equal(Strategy.Stream, Chooser(sim, 500, speed, cachedShare: 0).Choose(out _).Strategy);
    }

    [Theory]
    [InlineData(Strategy.Baseline)]
    [InlineData(Strategy.Sequential)]
    [InlineData(Strategy.PerTensor)]
    public void The_suggested_plan_fits(Strategy refused)
    {
        using var cpu = new HostDevice();
        PlanChooser chooser = Chooser(cpu, 210);
        PlanCandidate nearest = chooser.Nearest(refused);
        Assert.Null(nearest.Shortfall);
        Assert.NotEqual(refused, nearest.Strategy);
    }

    [Fact]
    public void A_refusal_names_the_limit_the_shortage_and_the_option_to_use()
    {
        using var sim = new SimulatedDevice();
        var limit = new MemoryLimit(
            "ulimit -d",
            Counted.Anonymous,
            40 * MiB,
            10 * MiB,
            5 * MiB,
            "data of this process is limited to 40.0 MiB (ulimit -d), of which 10.0 MiB are used");
        var budget = MemoryBudget.For(Request, sim, Headroom.Of([limit]));
        var refused = new PlanChooser(Model, sim, budget, null, Warm).Candidate(Strategy.Baseline);

        PlanCandidate nearest = new PlanChooser(Model, sim, budget, null, Warm).Nearest(Strategy.Baseline);
        MemLoadException refusal = Refusals.Of(
            refused,
            nearest,
            sim,
            budget,
            Request with
            {
                Strategy = Strategy.Baseline,
            },
            fitsOnHost: false);

        Assert.Equal("ML7005", refusal.Rule.Id);
        Assert.Equal(
            "Baseline needs 200.0 MiB of host memory, 175.0 MiB more than the 25.0 MiB it may use: data of this process is limited to "
                + "40.0 MiB (ulimit -d), "
            + "of which 10.0 MiB are used; 5.0 MiB are kept in reserve. Stream fits: type --strategy Stream, or --force to load anyway.",
            refusal.Message);
    }

    [Theory]
    [InlineData(Strategy.Baseline, 250, "Stream fits: type --strategy Stream.")]
    [InlineData(Strategy.Baseline, 50, "raise --device-memory-limit, or load fewer tensors (--include).")]
    [InlineData(Strategy.Auto, 50, "raise --device-memory-limit, or load fewer tensors (--include).")]
    public void No_option_is_suggested_to_override_the_limit_of_a_device(Strategy asked, long mebibytes, string end)
    {
        LoadRequest request = Request with { Strategy = asked, Force = true, DeviceMemoryLimit = mebibytes * MiB };
        using var sim = new SimulatedDevice(request.DeviceMemoryLimit);
        var budget = MemoryBudget.For(request, sim, Headroom.Of([]));
        var chooser = new PlanChooser(Model, sim, budget, Speed(1, 1, 1), Warm);
        PlanCandidate refused = asked == Strategy.Auto ? chooser.Choose(out _) : chooser.Candidate(asked);

        MemLoadException refusal = Refusals.Of(
            refused, asked == Strategy.Auto ? refused : chooser.Nearest(asked), sim, budget, request, fitsOnHost: false);

        Assert.Equal("ML7006", refusal.Rule.Id);
        Assert.EndsWith(end, refusal.Remedy, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("force", refusal.Remedy, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Force_is_not_suggested_for_a_load_that_fits_neither_host_nor_device()
    {
        LoadRequest request = Request with { Strategy = Strategy.Baseline, HostMemoryLimit = 50 * MiB, DeviceMemoryLimit = 50 * MiB };
        using var sim = new SimulatedDevice(request.DeviceMemoryLimit);
        var budget = MemoryBudget.For(request, sim, Headroom.Of([]));
        var chooser = new PlanChooser(Model, sim, budget, null, Warm);

        MemLoadException refusal = Refusals.Of(
            chooser.Candidate(Strategy.Baseline), chooser.Nearest(Strategy.Baseline), sim, budget, request, fitsOnHost: true);

        Assert.Equal("ML7005", refusal.Rule.Id);
        Assert.Contains("Raise --host-memory-limit", refusal.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain("force", refusal.Remedy, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_smaller_ring_is_suggested_as_Auto()
    {
        using var sim = new SimulatedDevice();
        // The limit is too small for the default ring, for the largest tensor, and for the address space of a mapping.
        Checkpoint one = SyntheticCheckpoint.OfCounts(25 * MiB);
        var budget = MemoryBudget.For(Request, sim, Headroom.Of([new MemoryLimit("ulimit -v", Counted.AddressSpace, 3 * MiB, 0, 0, "")]));
        PlanCandidate nearest = new PlanChooser(one, sim, budget, null, Warm).Nearest(Strategy.Stream);

        Assert.Equal((Strategy.Stream, 1 * MiB), (nearest.Strategy, nearest.RingBytes));
        PlanCandidate refused = new PlanChooser(one, sim, budget, null, Warm).Candidate(Strategy.Stream);
        MemLoadException refusal = Refusals.Of(
            refused,
            nearest,
            sim,
            budget,
            Request with
            {
                Strategy = Strategy.Stream,
            },
            fitsOnHost: false);
        Assert.EndsWith(
            "Stream with a ring of 1.0 MiB fits: type --strategy Auto, or --force to load anyway.",
            refusal.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_cast_on_the_host_costs_time_and_takes_the_ring_that_fits()
    {
        using var cpu = new HostDevice();
        var cast = LoadView.Of(Model, DType.BFloat16);
        MachineSpeed speed = Speed(mapped: 1, ring64: 1, ring4: 1);

        // There is space for the model and a small ring, but not also for the mapping.
        var budget = MemoryBudget.For(Request, cpu, Headroom.Of([new MemoryLimit("ulimit -v", Counted.AddressSpace, 106 * MiB, 0, 0, "")]));
        var chooser = new PlanChooser(cast, cpu, budget, speed, Warm);
        PlanCandidate taken = chooser.Choose(out _);
        Assert.Null(taken.Shortfall);
        Assert.Equal((Strategy.Stream, 4 * MiB), (taken.Strategy, taken.RingBytes));
        // The time is at least one nanosecond per byte, for every state of the page cache and every strategy.
        Assert.All(Strategies.All, strategy => Assert.True(chooser.Candidate(strategy).Microseconds > 200 * MiB / 1000));
    }

    [Theory]
    [InlineData(Strategy.Baseline, Strategy.Meta)] // does all the work of the other, and more
    [InlineData(Strategy.Sequential, Strategy.PerTensor)]
    [InlineData(Strategy.PerTensor, Strategy.Stream)]
    public void A_plan_that_does_more_costs_more_and_the_cost_is_proportional_to_its_bytes(Strategy more, Strategy less)
    {
        using var sim = new SimulatedDevice();
        MachineSpeed speed = Speed(mapped: 1, ring64: 2, ring4: 1);
        Assert.True(Cost(more, 64) > Cost(less, 64));
        Assert.InRange((double)Cost(more, 256) / Cost(more, 64), 3.9, 4.1);

        long Cost(Strategy strategy, int tensors)
        {
            Checkpoint checkpoint = SyntheticCheckpoint.OfCounts([.. Enumerable.Repeat(1L << 20, tensors)]);
            using var cost = new PlanCost(checkpoint, speed);
            LoadPlan.Create(strategy, checkpoint, sim).ReadBy(cost);
            return cost.Time.Microseconds(cachedShare: 1);
        }
    }

    private static LoadRequest Request { get; } = new() { Path = "/nowhere/model.pth", Strategy = Strategy.Auto };

    private static PlanChooser Chooser(IDevice device, long mebibytes, MachineSpeed? speed = null, double cachedShare = 1) => new(
        Model,
        device,
        MemoryBudget.For(Request, device, Headroom.Of([new MemoryLimit("group", Counted.AnonymousAndShared, mebibytes * MiB, 0, 0, "")])),
        speed ?? Speed(1, 1, 1),
        new Lazy<double>(cachedShare));

    private static MachineSpeed Speed(double mapped, double ring64, double ring4, double mappedCold = 0, double ringCold = 0) => new()
    {
        Device = "sim",
        HostName = "host",
        ModuleVersion = "0",
        MeasuredAt = DateTimeOffset.Now,
        Nanoseconds = new Dictionary<string, double>
        {
            [nameof(Work.Step)] = 10,
            [nameof(Work.Initialise)] = 5,
            [nameof(Work.ReadInPlace)] = 2,
            [nameof(Work.CopyOnHost)] = 1,
            [nameof(Work.CopyOnHostFresh)] = 2,
            [nameof(Work.CopyToDevice)] = 1,
            [nameof(Work.CopyToDeviceFresh)] = 2,
            [nameof(Work.CopyOnDevice)] = 1,
            [nameof(Work.CopyOnDeviceFresh)] = 2,
            [nameof(Work.CopyMapped)] = mapped,
            [nameof(Work.CopyMappedCold)] = mappedCold,
            [nameof(Work.ReadThroughRingCold)] = ringCold,
            [MachineSpeed.Key(Work.ReadThroughRing, 64 * MiB)] = ring64,
            [MachineSpeed.Key(Work.ReadThroughRing, 16 * MiB)] = ring64,
            [MachineSpeed.Key(Work.ReadThroughRing, 4 * MiB)] = ring4,
            [MachineSpeed.Key(Work.ReadThroughRing, 1 * MiB)] = ring64,
        },
    };
}
