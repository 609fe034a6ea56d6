namespace MemLoad.Tests.Windows;

public sealed class WindowsExitCodeTests
{
    [Theory]
    [InlineData(-1, "", LoadOutcome.Killed, "ML8012", "exit code -1")]
    [InlineData(1, "", LoadOutcome.Killed, "ML8012", "terminated from outside")]
    [InlineData(1, "memload: error ML9999", LoadOutcome.Failed, "ML8011", "ended with code 1: memload: error ML9999")]
    [InlineData(137, "", LoadOutcome.Failed, "ML8011", "ended with code 137")]
    [InlineData(unchecked((int)0xC0000006), "", LoadOutcome.Killed, "ML8015", "0xC0000006")]
    [InlineData(unchecked((int)0xC0000005), "", LoadOutcome.Killed, "ML8012", "0xC0000005, access violation")]
    [InlineData(unchecked((int)0xC000013A), "", LoadOutcome.Killed, "ML8012", "0xC000013A")]
    [InlineData(unchecked((int)0xC0000017), "", LoadOutcome.OutOfMemory, "ML8013", "0xC0000017")]
    [InlineData(unchecked((int)0xC000012D), "", LoadOutcome.OutOfMemory, "ML8013", "0xC000012D")]
    [InlineData(unchecked((int)0x80008091), "", LoadOutcome.Failed, "ML8011", "0x80008091")]
    [InlineData(unchecked((int)0x80131506), "", LoadOutcome.Killed, "ML8012", "0x80131506")]
    [InlineData(
        unchecked((int)0xE0434352),
        "Unhandled exception",
        LoadOutcome.Killed,
        "ML8012",
        "0xE0434352, unhandled exception: Unhandled exception")]
    public void An_exit_code_of_Windows_is_read_as_the_system_means_it(
        int exitCode, string said, LoadOutcome outcome, string rule, string words)
    {
        (LoadOutcome actual, MemLoadException why) = WindowsExitCode.Explain(exitCode, said, "x.pth");

        Assert.Equal((outcome, rule), (actual, why.Rule.Id));
        Assert.Contains(words, why.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SIGKILL", why.Message, StringComparison.Ordinal);
    }
}
