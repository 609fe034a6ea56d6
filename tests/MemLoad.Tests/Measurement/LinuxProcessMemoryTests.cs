using System.Text;

namespace MemLoad.Tests.Measurement;

public sealed class LinuxProcessMemoryTests
{
    [Fact]
    public void Status_is_read_by_name_in_kilobytes()
    {
        const string text = "Name:\tVmHWM: 7 kB\nUmask:\t0022\nVmHWM:\t    3000 kB\nVmRSS:\t 1 kB\n" +
            "RssAnon:\t     100 kB\nRssFile:\t 2000 kB\nRssShmem:\t 30 kB\nVmData:\t 9 kB\n";
        Assert.Equal(new MemoryReading(130 * 1024, 2000 * 1024, 3000 * 1024), Parse(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("VmSize:\t 100 kB\nVmRSS:\t 50 kB\n")]
    [InlineData("VmHWM:\t 100 kB\nRssAnon:\t x kB\nRssFile:\t 1 kB\nRssShmem:\t 1 kB\n")]
    public void A_kernel_that_does_not_distinguish_the_kinds_leaves_them_unknown(string text) => Assert.Equal(default, Parse(text));

    [Fact]
    public void A_kernel_without_a_mark_still_gives_readings() =>
        Assert.Equal(new MemoryReading(3072, 1024, null), Parse("RssAnon:\t1 kB\nRssFile:\t1 kB\nRssShmem:\t2 kB"));

    [Fact]
    public void Major_faults_are_found_behind_a_name_full_of_brackets()
    {
        Assert.Equal(77, LinuxProcessMemory.MajorFaultsOf("1 (a) b) S 2 3 4 5 6 7 8 9 77 11 12\n"));
        Assert.Null(LinuxProcessMemory.MajorFaultsOf(null));
        Assert.Null(LinuxProcessMemory.MajorFaultsOf("1 (a"));
    }

    [SkippableFact]
    public void The_status_of_this_kernel_is_read()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "procfs is Linux's");
        using var memory = new LinuxProcessMemory();
        MemoryReading reading = memory.Read();
        // The runtime alone uses some megabytes, and its figure of the working set counts the same pages.
        Assert.True(reading.HostBytes > 1 << 20);
        Assert.InRange(reading.HostBytes!.Value + reading.FileBytes!.Value, Environment.WorkingSet / 2, Environment.WorkingSet * 2);
        Assert.True(reading.MarkBytes is null || reading.MarkBytes >= (reading.HostBytes + reading.FileBytes) / 2);
        Assert.NotNull(memory.ReadCounters().MajorFaults);
    }

    private static MemoryReading Parse(string text) => LinuxProcessMemory.Parse(Encoding.ASCII.GetBytes(text));
}
