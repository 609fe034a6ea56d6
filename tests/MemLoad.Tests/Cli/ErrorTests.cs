namespace MemLoad.Tests.Cli;

public sealed class ErrorTests
{
    [Theory]
    [InlineData("inspect")]
    [InlineData("convert", "--out", "x.pth")]
    [InlineData("plan")]
    [InlineData("measure")]
    [InlineData("invoke", "--token-ids", "1")]
    public void A_missing_path_is_one_line_with_its_rule(string command, params string[] rest)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName(), "model.pth");

        CliRun run = CliRun.Of([command, "--path", path, .. rest]);

        Assert.Equal(1, run.ExitCode);
        Assert.Empty(run.Output);
        string line = Assert.Single(run.ErrorLines);
        Assert.StartsWith("memload: error ML1001: ", line, StringComparison.Ordinal);
        Assert.Contains(path, line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pickled_module_is_one_line_with_the_remedy()
    {
        CliRun run = CliRun.Of("inspect", "--path", Fixtures.PathOf("tiny/whole_module.pth"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("state_dict()", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_with_a_line_break_and_an_escape_stays_one_harmless_line()
    {
        CliRun run = CliRun.Of("inspect", "--path", "no\nsuch\u001b[2Jfile");

        Assert.Equal(1, run.ExitCode);
        Assert.DoesNotContain('\u001b', Assert.Single(run.ErrorLines));
    }

    [Fact]
    public void A_path_that_starts_with_an_at_sign_is_a_path() =>
        Assert.Contains("@model.pth", Assert.Single(CliRun.Of("inspect", "--path", "@model.pth").ErrorLines), StringComparison.Ordinal);
}
