namespace MemLoad.Tests.Errors;

/// <summary>The reasons of the system in findings.</summary>
public sealed class SystemReasonTests
{
    [SkippableFact]
    public void A_message_states_a_path_once()
    {
        Skip.If(OperatingSystem.IsWindows(), "links of Unix");
        using var folder = new TemporaryFolder();
        string path = folder["loop.pth"];
        File.CreateSymbolicLink(path, path);

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(path));

        Assert.Equal(2, refusal.Message.Split(path).Length);
        Assert.Contains("symbolic links", refusal.Finding, StringComparison.Ordinal);
        Assert.DoesNotContain('\'', refusal.Finding);
    }
}
