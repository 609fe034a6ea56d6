using System.Text.Json;

namespace MemLoad.Tests.Cli;

/// <summary>One command for several devices.</summary>
public sealed class SeveralDevicesTests
{
    [Theory]
    [InlineData("plan")]
    [InlineData("measure")]
    public void Each_device_has_its_rows_in_the_order_given(string command)
    {
        CliRun run = CliRun.Of([
            command,
            Fixtures.PathOf("tiny/fp32.pth"),
            "--device",
            "sim,cpu,SIM",
            "--strategy",
            "Mmap,Stream",
            "--format",
            "json",
            .. Here(command),
        ]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            ["sim Mmap", "sim Stream", "cpu Mmap", "cpu Stream"],
            JsonDocument
                .Parse(run.Output)
                .RootElement.EnumerateArray()
                .Select(row => $"{row.GetProperty("Device")} {row.GetProperty("Strategy")}"));
    }

    [Theory]
    [InlineData("plan")]
    [InlineData("measure")]
    public void Each_device_has_a_separate_table(string command)
    {
        CliRun run = CliRun.Of([
            command,
            Fixtures.PathOf("tiny/fp32.pth"),
            "--device",
            "sim,cpu",
            "--strategy",
            "Stream",
            .. Here(command),
        ]);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("on sim (a simulated accelerator)", run.Output, StringComparison.Ordinal);
        Assert.Contains("on cpu", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unavailable_device_is_an_error_before_the_first_measurement()
    {
        CliRun run = CliRun.Of("measure", Fixtures.PathOf("tiny/fp32.pth"), "--device", "sim,nosuch", "--format", "json");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("ML7003", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    private static string[] Here(string command) => command == "measure" ? ["--in-process"] : [];
}
