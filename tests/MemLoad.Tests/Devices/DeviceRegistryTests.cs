namespace MemLoad.Tests.Devices;

/// <summary>Devices by name without TorchSharp, which is not part of the output of these tests.</summary>
public sealed class DeviceRegistryTests
{
    [Theory]
    [InlineData("torch:cpu", "-Torch cpu ")]
    [InlineData("torch:CUDA:0", "-Torch cuda-")]
    [InlineData("torch:cuda:11", "-Torch cuda-")]
    public void Without_TorchSharp_its_devices_are_refused_in_one_sentence_with_the_command_to_run(string device, string advice)
    {
        var refusal = Assert.Throws<MemLoadException>(() => DeviceRegistry.Open(device));

        Assert.Equal("ML7004", refusal.Rule.Id);
        Assert.StartsWith(
            $"the device '{device.ToLowerInvariant()}' needs the TorchSharp build of MemLoad", refusal.Finding, StringComparison.Ordinal);
        Assert.Contains("./build.ps1 " + advice, refusal.Finding, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public void A_missing_card_is_refused_in_one_sentence()
    {
        var refusal = Assert.Throws<MemLoadException>(() => DeviceRegistry.Open("CUDA:97"));

        Assert.Equal("ML7004", refusal.Rule.Id);
        Assert.StartsWith(
            CudaDriver.Here is null ? $"the device 'cuda:97' cannot be used: {CudaDriver.ReasonForNone}" : "there is no 'cuda:97'",
            refusal.Finding,
            StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("cuda")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("torch:cuda")]
    public void An_unknown_name_is_refused(string device) =>
        Assert.Equal("ML7003", Assert.Throws<MemLoadException>(() => DeviceRegistry.Open(device)).Rule.Id);

    [Theory]
    [InlineData("sim", "sim (a simulated accelerator)")]
    [InlineData("Sim", "Sim (a simulated accelerator)")]
    [InlineData("sim:unified", "sim:unified (a simulated accelerator)")]
    [InlineData("cpu", "cpu")]
    [InlineData("cuda:0", "cuda:0")]
    public void Only_the_simulated_device_is_described_as_simulated(string name, string description)
    {
        Assert.Equal(description, DeviceRegistry.Describe(name));
        Assert.Equal(description != name, DeviceRegistry.IsSimulated(name));
    }

    [Theory]
    [InlineData("cuda:0", true)]
    [InlineData("CUDA:12", true)]
    [InlineData("torch:cuda:1", true)]
    [InlineData("cuda", false)]
    [InlineData("cuda:x", false)]
    [InlineData("torch:cpu", false)]
    [InlineData("sim", false)]
    [InlineData("cpu", false)]
    public void A_card_is_known_by_its_name_with_or_without_TorchSharp(string name, bool isCard) =>
        Assert.Equal(isCard, DeviceRegistry.IsCard(name));

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    [InlineData("sim:unified")]
    public void A_device_has_the_name_by_which_it_was_opened(string name)
    {
        using IDevice device = DeviceRegistry.Open(name.ToUpperInvariant());

        Assert.Equal(name, device.Name);
    }

    [Fact]
    public void Without_TorchSharp_every_device_is_listed_with_what_is_missing()
    {
        IReadOnlyList<DeviceStatus> devices = DeviceRegistry.List();

        int cards = CudaDriver.Here?.Cards.Length ?? 0;
        string[] usable = ["cpu", "sim", "sim:unified", .. Enumerable.Range(0, cards).Select(CudaCard.NameOf)];
        Assert.Equal([.. usable, .. cards == 0 ? ["cuda:0"] : Array.Empty<string>(), "torch:cpu"], devices.Select(device => device.Name));
        Assert.Equal(usable, devices.Where(device => device.Available).Select(device => device.Name));
        Assert.Contains(
            "needs the TorchSharp build of MemLoad, which is not installed: in a clone, ./build.ps1 -Torch c",
            devices[^1].Details,
            StringComparison.Ordinal);
        Assert.Equal(
            cards == 0 ? CudaDriver.ReasonForNone : "",
            devices.FirstOrDefault(device => !device.Available && device.Name == "cuda:0")?.Details ?? "");
        Assert.Equal(usable, DeviceRegistry.Names);
    }

    [Fact]
    public void Cards_are_queried_only_if_there_is_a_driver()
    {
        // On a machine with cards, the cards are described. On any other machine, none is found and no call fails.
        Assert.Equal(CudaDriver.Here is null, CudaDriver.ReasonForNone.Length > 0);
        Assert.Null(Nvml.Here.Find(Guid.Empty, "ffff:ff:1f.0"));
    }
}
