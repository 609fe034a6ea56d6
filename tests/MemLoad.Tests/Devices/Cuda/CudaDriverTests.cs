using MemLoad.PlayedCuda;

namespace MemLoad.Tests.Devices.Cuda;

/// <summary>The cases in which a driver cannot be used, and the reasons.</summary>
[Collection(PlayedCards.Collection)]
public sealed class CudaDriverTests
{
    [Fact]
    public void A_driver_that_lacks_a_function_is_named_as_too_old() =>
        AssertAbsent("the CUDA driver is older than release 470: it does not have cuMemHostRegister_v2",
            name => name == "cuMemHostRegister_v2" ? 0 : PlayedDriver.Resolve(name));

    [Fact]
    public void A_driver_from_before_split_cards_is_enough()
    {
        using var played = new PlayedCards(resolve: name => name switch
        {
            "cuDeviceGetUuid" => PlayedDriver.Resolve("cuDeviceGetUuid_v2"),
            "cuDeviceGetUuid_v2" => 0,
            _ => PlayedDriver.Resolve(name),
        });

        Assert.Equal("GPU-00000000-0000-0000-0000-000000000000", Assert.Single(played.Driver.Cards).Uuid);
    }

    [Fact]
    public void The_error_for_a_driver_that_does_not_start_has_its_reason()
    {
        PlayedDriver.Reset(new PlayedOptions { InitResult = 802 });

        AssertAbsent("the CUDA driver does not start: CUDA_ERROR_802 (the text of error 802), error 802", PlayedDriver.Resolve);
    }

    [Fact]
    public void A_driver_without_a_card_has_no_cards()
    {
        PlayedDriver.Reset(new PlayedOptions { Cards = 0 });

        AssertAbsent("the CUDA driver offers no card", PlayedDriver.Resolve);
    }

    private static void AssertAbsent(string finding, Func<string, nint> resolve)
    {
        MemLoadException refusal = Assert.Throws<MemLoadException>(() => new CudaDriver(new CudaFunctions(resolve), new Nvml(resolve)));

        Assert.Equal("ML7004", refusal.Rule.Id);
        Assert.StartsWith(finding, refusal.Finding, StringComparison.Ordinal);
    }
}
