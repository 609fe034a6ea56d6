using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Measurement;

/// <summary>Why a measured process ended without an answer, on systems with signals.</summary>
public sealed class ProcessExitTests
{
    private const int Sigkill = 128 + 9;
    private const int Sigsegv = 128 + 11;

    private static readonly LoadMeasurement Row = Rows.Loaded("Stream");

    [SkippableTheory]
    [InlineData(Sigkill, true, LoadOutcome.OutOfMemory, "ML8013")]
    [InlineData(Sigkill, false, LoadOutcome.Killed, "ML8012")]
    [InlineData(Sigsegv, true, LoadOutcome.Killed, "ML8012")]
    [InlineData(1, true, LoadOutcome.Failed, "ML8011")]
    public void Only_a_process_that_the_kernel_ended_was_killed_because_memory_ran_out(
        int exitCode, bool oomKill, LoadOutcome outcome, string rule)
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no signals");

        LoadMeasurement row = ProcessExit.Explain(Row, exitCode, oomKill, "");

        Assert.Equal(outcome.ToString(), row.Outcome);
        Assert.StartsWith(rule + ": ", row.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Out of memory. ")]
    public void A_long_line_of_the_process_is_cut(string beginning)
    {
        LoadMeasurement row = ProcessExit.Explain(Row, 3, oomKill: false, beginning + new string('x', 1_000_000));

        Assert.Contains("xxxx", row.Message, StringComparison.Ordinal);
        Assert.InRange(row.Message!.Length, 1, 1000);
    }
}
