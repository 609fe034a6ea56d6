namespace MemLoad.Tests.Cli;

public sealed class UsageTests
{
    [Theory]
    [InlineData("mesure")]
    [InlineData("--foo")]
    [InlineData("measure", "--foo")]
    [InlineData("measure", "a", "b")]
    [InlineData("measure", "a", "--path", "b")]
    [InlineData("measure", "-x")]
    [InlineData("runtime", "extra")]
    [InlineData("new", "gpt2-small")]
    [InlineData("measure", "--strategy", "Foo")]
    [InlineData("measure", "--strategy", "Sequential,Foo")]
    [InlineData("measure", "--strategy", "Sequential,")]
    [InlineData("measure", "--strategy", "0")]
    [InlineData("measure", "--strategy")]
    [InlineData("measure", "--size", "gpt3")]
    [InlineData("measure", "--path", "")]
    [InlineData("measure", "--path", "a", "--path", "b")]
    [InlineData("measure", "--cache", "hot")]
    [InlineData("measure", "--cache", "1")]
    [InlineData("measure", "--repeat", "0")]
    [InlineData("measure", "--repeat", "-1")]
    [InlineData("measure", "--repeat", "100001")]
    [InlineData("measure", "--repeat", "99999999999")]
    [InlineData("measure", "--host-memory-limit", "2XB")]
    [InlineData("measure", "--device-memory-limit", "9999999TB")]
    [InlineData("measure", "--format", "xml")]
    [InlineData("measure", "--")]
    [InlineData("measure", "--path", "a.pth", "--")]
    [InlineData("plan", "--strategy", "Foo")]
    [InlineData("inspect")]
    [InlineData("inspect", "--path")]
    [InlineData("inspect", "")]
    [InlineData("test", "a.pth", "")]
    [InlineData("report")]
    [InlineData("report", "a.csv")]
    [InlineData("report", "--out", "a.html")]
    [InlineData("test")]
    [InlineData("test", "--path", "")]
    [InlineData("test", "--path", "a.pth", "--format", "xml")]
    [InlineData("test", "--path", "a.pth", "--manifest", "")]
    [InlineData("manifest")]
    [InlineData("manifest", "--path", "a.pth", "--out", "")]
    [InlineData("convert", "--path", "a.pth")]
    [InlineData("convert", "--path", "a.pth", "--out", "b.foo")]
    [InlineData("convert", "--path", "a.pth", "--out", "b", "--to", "onnx")]
    [InlineData("new")]
    [InlineData("new", "--size", "gpt3")]
    [InlineData("new", "--vocab", "10", "--context", "4")]
    [InlineData("new", "--size", "gpt2-small", "--vocab", "10")]
    [InlineData("new", "--size", "gpt2-small", "--dtype", "int8")]
    [InlineData("new", "--size", "gpt2-small", "--seed", "x")]
    [InlineData("invoke", "--path", "a.pth")]
    [InlineData("invoke", "--path", "a.pth", "--token-ids", "1,,2")]
    [InlineData("invoke", "--path", "a.pth", "--token-ids", "1;2")]
    [InlineData("invoke", "--path", "a.pth", "--token-ids", "-1")]
    [InlineData("invoke", "--path", "a.pth", "--token-ids", "1", "--strategy", "Stream,Meta")]
    public void A_wrong_command_line_is_one_line_with_the_error_and_the_help_to_read(params string[] args)
    {
        CliRun run = CliRun.Of(args);

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Output);
        string line = Assert.Single(run.ErrorLines);
        Assert.Matches(
            @"^memload: error ML9901: \S.*\. Run 'memload( (measure|plan|inspect|test|manifest|warm|"
                + @"convert|new|invoke|report|runtime))? --help'\.\r?$",
            line);
    }

    [Theory]
    [InlineData("Write a path before the options, or as --path.", "plan", "--strategy", "Stream", "toy")]
    [InlineData("unknown strategy 'toy.pth'", "plan", "--strategy", "toy.pth")]
    [InlineData("'1.5' is not a token id", "invoke", "toy.pth", "--token-ids", "1,2", "1.5")]
    [InlineData("'plan' takes one", "plan", "a.pth", "--strategy", "Stream", "b.pth")]
    [InlineData(
        "or as --path (--timeline-path takes all words after it).", "report", "--out", "r.html", "--timeline-path", "s.jsonl", "r.csv")]
    [InlineData("--sequences needs --context-length", "plan", "a.pth", "--sequences", "2")]
    [InlineData("--cache-dtype needs --context-length", "plan", "a.pth", "--cache-dtype", "float32")]
    [InlineData("'convert' takes one: write --out before 'b.safetensors'.", "convert", "a.pth", "b.safetensors")]
    [InlineData("'invoke' takes one: write --token-ids before '1,2,3'.", "invoke", "a.pth", "1,2,3")]
    [InlineData("'inspect' takes one.", "inspect", "a.pth", "b.pth")]
    [InlineData("choose from Baseline, Sequential, Meta, Mmap, PerTensor, Stream, Auto. Run", "plan", "toy.pth", "--strategy", "Foo")]
    public void The_error_for_a_word_in_the_wrong_place_names_its_place(string hint, params string[] args) =>
        Assert.Contains(hint, Assert.Single(CliRun.Of(args).ErrorLines), StringComparison.Ordinal);

    [Fact]
    public void The_error_for_an_unknown_strategy_lists_all_six()
    {
        string line = Assert.Single(CliRun.Of("measure", "--strategy", "Foo").ErrorLines);

        Assert.Contains("'Foo'", line, StringComparison.Ordinal);
        Assert.All(Enum.GetNames<Strategy>(), name => Assert.Contains(name, line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("measure")]
    [InlineData("plan")]
    [InlineData("inspect")]
    [InlineData("test")]
    [InlineData("manifest")]
    [InlineData("convert")]
    [InlineData("new")]
    [InlineData("invoke")]
    [InlineData("runtime")]
    public void Every_command_has_help_with_an_example(string command)
    {
        CliRun run = CliRun.Of(command, "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(
            $"\n  memload {command} ", run.Output[run.Output.IndexOf("Examples:", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    /// <summary>Every command with --path also accepts the path as an operand, with the same effect.</summary>
    [Theory]
    [InlineData("measure", "--strategy", "Stream", "--in-process")]
    [InlineData("plan")]
    [InlineData("inspect")]
    [InlineData("test")]
    [InlineData("manifest", "--force")]
    [InlineData("convert", "--force", "--out")]
    [InlineData("invoke", "--token-ids", "1,2", "--heads", "2")]
    public void A_path_can_be_given_without_its_option(string command, params string[] options)
    {
        using var folder = new TemporaryFolder();
        string path = folder["tiny.pth"];
        File.Copy(Fixtures.PathOf("tiny/fp32.pth"), path);
        string[] rest = options is [.., "--out"] ? [.. options, folder["tiny.safetensors"]] : options;

        CliRun named = CliRun.Of([command, "--path", path, .. rest]);
        CliRun before = CliRun.Of([command, path, .. rest]);
        CliRun after = CliRun.Of([command, .. rest, path]);

        Assert.Equal((0, 0), (named.ExitCode, before.ExitCode));
        if (command is not ("measure" or "plan")) // they print the memory that is available at this moment
        {
            Assert.Equal(named.Output, before.Output);
        }
        // The words after a list belong to the list.
        Assert.Equal(0, after.ExitCode);
        Assert.Contains("Arguments:", CliRun.Of(command, "--help").Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plan", "--device", "cpu", "--strategy", "Stream")]
    [InlineData("plan", "--device", "cpu", "--strategy", "Stream", "Mmap")]
    [InlineData("plan", "--device", "cpu", "--strategy=Stream")]
    [InlineData("measure", "--in-process", "--strategy", "Stream,Mmap")]
    [InlineData("measure", "--in-process", "--strategy", "Stream", "--fail-above", "time=1h", "host=1TB")]
    [InlineData("invoke", "--heads", "2", "--token-ids", "1,2", "3")]
    public void A_path_may_follow_a_list(params string[] words)
    {
        string file = Fixtures.PathOf("tiny/fp32.pth");

        Assert.Equal((0, ""), (CliRun.Of([.. words, file]).ExitCode, CliRun.Of([.. words, file]).Error));
        CliRun missing = CliRun.Of([.. words, "none.pth"]);
        Assert.Contains("ML1001", Assert.Single(missing.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_that_begins_like_an_option_follows_two_dashes()
    {
        CliRun run = CliRun.Of("test", "--format", "json", "--", "-x.pth");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("-x.pth", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Contains("ML1001", run.Error, StringComparison.Ordinal);
        Assert.Contains("unknown option '-x.pth'", CliRun.Of("test", "-x.pth").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plan", "memload plan [<path>] [options]")]
    [InlineData("measure", "memload measure [<path>] ")]
    [InlineData("test", "memload test [<path>...] [options]")]
    public void Help_shows_how_many_paths_a_command_accepts(string command, string usage) =>
        Assert.Contains(usage, CliRun.Of(command, "--help").Output, StringComparison.Ordinal);

    [Fact]
    public void Several_paths_can_be_given_without_their_option()
    {
        using var folder = new TemporaryFolder();
        string[] paths = [Fixtures.PathOf("tiny/fp32.pth"), Fixtures.PathOf("tiny/fp32.safetensors")];
        string[] rows = [folder["a.csv"], folder["b.csv"]];
        foreach (string file in rows)
        {
            File.WriteAllText(file, CliRun.Of("measure", paths[0], "--strategy", "Stream", "--in-process", "--format", "csv").Output);
        }

        CliRun named = CliRun.Of("test", "--path", paths[0], "--path", paths[1], "--format", "csv");

        Assert.Equal(3, named.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(named.Output, CliRun.Of("test", paths[0], paths[1], "--format", "csv").Output);
        Assert.Equal(named.Output, CliRun.Of("test", paths[0], "--format", "csv", "--path", paths[1]).Output);
        Assert.StartsWith(
            folder["r.html"] + ": 2 rows",
            CliRun.Of("report", rows[0], rows[1], "--out", folder["r.html"]).Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_command_the_commands_are_listed()
    {
        CliRun run = CliRun.Of();

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("measure", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("worker", run.Output, StringComparison.Ordinal);
    }
}
