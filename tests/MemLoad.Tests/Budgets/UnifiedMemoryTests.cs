namespace MemLoad.Tests.Budgets;

/// <summary>An accelerator that shares the memory of the host: one limit for both.</summary>
public sealed class UnifiedMemoryTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void A_load_that_fits_two_memories_but_not_one_is_refused_with_the_sum_in_the_message()
    {
        // gpt2-small with Baseline: 670 MiB on the host, and 1394 MiB on the device.
        string refusal = Assert.IsType<string>(Forecast("sim:unified", 1000 * MiB).Message);

        Assert.Null(Forecast("sim", 1000 * MiB).Message);
        Assert.StartsWith("ML7005: Baseline needs ", refusal, StringComparison.Ordinal);
        Assert.Contains(" of the memory that the host and 'sim:unified' share (at most ", refusal, StringComparison.Ordinal);
        Assert.Contains(" for the device), ", refusal, StringComparison.Ordinal);
        Assert.Contains("the limit given is 1000.0 MiB", refusal, StringComparison.Ordinal);
        Assert.Null(Forecast("sim:unified", 3000 * MiB).Message);
    }

    [Theory]
    [InlineData("sim")]
    [InlineData("sim:unified")]
    public void Bytes_and_figures_of_both_are_the_same(string name)
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"));
        foreach (Strategy strategy in Strategies.All)
        {
            using IDevice device = DeviceRegistry.Open(name);
            LoadPlan plan = LoadPlan.Create(strategy, checkpoint, device);
            using LoadedWeights weights = PlanRunner.Run(plan, device);

            Assert.Equal(name, device.Name);
            Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(weights));
            Assert.Equal(Forecasts.Of(plan, device).Device, device.Memory);
        }
    }

    private static LoadForecast Forecast(string device, long hostLimit) =>
        Assert.Single(
            LoadPlanner.Forecast([
                new LoadRequest
                {
                    Path = null,
                    Size = "gpt2-small",
                    Strategy = Strategy.Baseline,
                    Device = device,
                    HostMemoryLimit = hostLimit,
                    DeviceMemoryLimit = 2000 * MiB,
                },
            ]));
}
