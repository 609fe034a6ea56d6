namespace MemLoad.Tests.Measurement;

public sealed class HostFactsTests
{
    [Theory]
    [InlineData(
        "processor\t: 0\nmodel\t\t: 207\nmodel name\t: Some Xeon @ 2 GHz\n\nprocessor\t: 1\nmodel name\t: Other\n", "Some Xeon @ 2 GHz")]
    [InlineData(
        "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\nHardware\t: BCM2835\nModel\t\t: Some Board 5\n", "Some Board 5")]
    [InlineData("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n", "Arm implementer 0x41 part 0xd40")]
    [InlineData("processor\t: 0\nmodel name\t:\n", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void The_processor_is_named_as_the_kernel_names_it(string? cpuInfo, string? expected) =>
        Assert.Equal(expected, HostFacts.ProcessorNameOf(cpuInfo));

    [SkippableFact]
    public void The_facts_about_the_host_are_known()
    {
        Assert.Equal(Environment.MachineName, HostFacts.HostName);
        Assert.Matches(@"^\d+\.\d+\.\d+(-[\w.]+)?$", HostFacts.ModuleVersion);
        Skip.IfNot(OperatingSystem.IsLinux() || OperatingSystem.IsWindows() || OperatingSystem.IsMacOS(), "an unknown platform");
        // The runtime never reports more memory than the machine has, and a container can have less.
        Assert.True(HostFacts.TotalMemoryBytes >= GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        Assert.False(HostFacts.ProcessorName is "");
    }
}
