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
    public void Each_device_has_a_table_of_its_own(string command)
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
    public void A_device_that_is_not_there_is_an_error_before_anything_is_measured()
    {
        CliRun run = CliRun.Of("measure", Fixtures.PathOf("tiny/fp32.pth"), "--device", "sim,nosuch", "--format", "json");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("ML7003", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    private static string[] Here(string command) => command == "measure" ? ["--in-process"] : [];
}
