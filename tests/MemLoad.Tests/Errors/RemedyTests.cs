using System.CommandLine;
using System.Text.RegularExpressions;
using MemLoad.Cli;
using MemLoad.Tests.Cli;
using MemLoad.Tests.Corpus;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Errors;

/// <summary>The remedies of errors are applied here. A test breaks the rule, applies the remedy, and then the command succeeds.</summary>
public sealed partial class RemedyTests
{
    [Fact]
    public void Options_and_commands_that_messages_name_exist()
    {
        RootCommand tree = CommandTree.Build(CliConsole.ForWriters(TextWriter.Null, TextWriter.Null), ["[all"]);
        string[] options =
        [
            .. tree
                .Subcommands.SelectMany(command => command.Options)
                .Concat(tree.Options)
                .SelectMany(option => (string[])[option.Name, .. option.Aliases]),
        ];
        string[] commands = [.. tree.Subcommands.Select(command => command.Name)];
        string[] messages =
        [
            .. Enum.GetValues<Setting>().Select(CommandLineWords.Vocabulary.Of),
            .. Enum.GetValues<Act>().Select(act => CommandLineWords.Vocabulary.Of(act)),
            .. RulesDocument.AllRules.Select(rule => rule.Remedy.In(CommandLineWords.Vocabulary)),
        ];

        string[] named = [.. messages.SelectMany(message => LongOption().Matches(message)).Select(option => option.Value).Distinct()];
        Assert.Contains("--strategy", named);
        // A rule of the module only, because the command line has no models in a session.
        Assert.Empty(named.Except(options).Except(["--model"]));
        string[] called =
        [
            .. messages.SelectMany(message => Called().Matches(message)).Select(command => command.Groups[1].Value).Distinct(),
        ];
        Assert.Contains("inspect", called);
        Assert.Empty(called.Except(commands));
    }

    [Fact]
    public void The_ranks_in_the_error_work()
    {
        string path = Fixtures.PathOf("tiny/fp32.pth");

        string unsplit = Broken("ML6009", "plan", "--path", path, "--rank", "3");
        Assert.Contains("--rank-count", unsplit, StringComparison.Ordinal);
        Works("plan", "--path", path, "--rank", "3", "--rank-count", "4");

        string beyond = Broken("ML6009", "plan", "--path", path, "--rank", "4", "--rank-count", "4");
        Match last = Regex.Match(beyond, @"ranks of 4 are 0 to (\d+) \(--rank\)");
        Works("plan", "--path", path, "--rank", last.Groups[1].Value, "--rank-count", "4");

        string many = Broken(
            "ML6006", "plan", "--path", Fixtures.PathOf("containers/single_tensor.pt"), "--rank", "0", "--rank-count", "9");
        Assert.Contains("Split it among fewer ranks (--rank-count", many, StringComparison.Ordinal);
        Works("plan", "--path", Fixtures.PathOf("containers/single_tensor.pt"), "--rank", "0", "--rank-count", "1");
    }

    [Fact]
    public void Force_is_not_suggested_for_a_device_that_is_too_small()
    {
        using var folder = new TemporaryFolder();
        string path = folder["model.pth"];
        Works("new", "--vocab", "60000", "--context", "8", "--emb", "64", "--layers", "1", "--heads", "2", "--out", path);
        string[] request = ["measure", "--path", path, "--in-process", "--device", "sim", "--device-memory-limit"];

        // The weights take 31 MB, and Baseline holds them twice.
        CliRun refused = CliRun.Of([.. request, "40MB", "--strategy", "Baseline", "--force", "--format", "csv"]);
        Assert.Equal(1, refused.ExitCode);
        Match fits = Regex.Match(refused.Output, @"ML7006: .* fits: type --strategy (\w+)\.");
        Assert.True(fits.Success, refused.Output);
        Works([.. request, "40MB", "--strategy", fits.Groups[1].Value]);

        CliRun tiny = CliRun.Of([.. request, "10MB", "--strategy", "Stream", "--force", "--format", "csv"]);
        Assert.Contains("ML7006: ", tiny.Output, StringComparison.Ordinal);
        Assert.Contains("aise --device-memory-limit", tiny.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("--force", tiny.Output, StringComparison.Ordinal);
        Works([.. request, "400MB", "--strategy", "Stream"]);
        Match host = Regex.Match(tiny.Output, @"type --device cpu --strategy Mmap\.");
        Assert.True(host.Success, tiny.Output);
        Works("measure", "--path", path, "--in-process", "--device", "cpu", "--strategy", "Mmap");
    }

    [Fact]
    public void Force_is_suggested_for_a_host_that_is_too_small()
    {
        string path = Fixtures.PathOf("tiny/fp32.pth");
        string[] request =
        [
            "measure",
            "--path",
            path,
            "--in-process",
            "--device",
            "cpu",
            "--strategy",
            "Baseline",
            "--host-memory-limit",
            "1KB",
        ];

        CliRun refused = CliRun.Of([.. request, "--format", "csv"]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Matches(@"ML7005: .*--force to load anyway\.", refused.Output);
        Works([.. request, "--force"]);
    }

    [Theory]
    [InlineData(DType.Float64, true)]
    [InlineData(DType.Int32, false)]
    public void The_error_suggests_a_cast_only_where_it_helps(DType dtype, bool casts)
    {
        using var folder = new TemporaryFolder();
        string path = folder["model.pth"];
        var source = new MemorySource();
        foreach (TensorSpec tensor in new GptConfig(16, 4, 8, 1, 2, true).ToSpec().Tensors)
        {
            source.Add(tensor.Name, dtype, [.. tensor.Shape]);
        }
        CheckpointWriter.Write(source, path, CheckpointFormat.TorchZip);
        string[] request = ["invoke", "--path", path, "--heads", "2", "--token-ids", "1,2"];

        string message = Broken("ML6023", request);
        Assert.Equal(casts, message.Contains("float32 (--dtype)", StringComparison.Ordinal));
        if (casts)
        {
            Works([.. request, "--dtype", "float32"]);
        }
    }

    [Fact]
    public void A_report_is_written_to_the_path_of_the_remedy()
    {
        using var folder = new TemporaryFolder();
        string rows = folder["rows.csv"];
        File.WriteAllText(
            rows,
            CliRun
                .Of("measure", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--in-process", "--strategy", "Stream", "--format", "csv")
                .Output);
        string pages = Directory.CreateDirectory(folder["pages.html"]).FullName;

        Assert.Contains("Name a file in the folder", Broken("ML9103", "report", "--path", rows, "--out", pages), StringComparison.Ordinal);
        Works("report", "--path", rows, "--out", Path.Combine(pages, "page.html"));
        Assert.Contains(
            "Create the folder first",
            Broken("ML9103", "report", "--path", rows, "--out", folder["new/page.html"]),
            StringComparison.Ordinal);
        Directory.CreateDirectory(folder["new"]);
        Works("report", "--path", rows, "--out", folder["new/page.html"]);
        Assert.Contains(
            "(--force)", Broken("ML9102", "report", "--path", rows, "--out", folder["new/page.html"]), StringComparison.Ordinal);
        Works("report", "--path", rows, "--out", folder["new/page.html"], "--force");
        Assert.Contains("NAME.html", Broken("ML1008", "report", "--path", rows, "--out", folder["page.txt"]), StringComparison.Ordinal);

        string empty = folder.Write("empty.csv", "");
        Assert.Contains(
            "memload measure", Broken("ML1003", "report", "--path", empty, "--out", folder["page.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_is_written_to_the_path_of_the_remedy()
    {
        using var folder = new TemporaryFolder();
        string path = Fixtures.PathOf("tiny/fp32.pth");

        Assert.Contains(
            "ends in .pth",
            Broken("ML1008", "convert", "--path", path, "--out", folder["m.safetensors"], "--to", "pth"),
            StringComparison.Ordinal);
        Works("convert", "--path", path, "--out", folder["m.pth"], "--to", "pth");
        Works("convert", "--path", path, "--out", folder["m.safetensors"], "--to", "safetensors");
        Assert.Contains(
            "Name another path",
            Broken("ML9103", "convert", "--path", path, "--out", folder["m.pth"], "--to", "folder", "--force"),
            StringComparison.Ordinal);

        string own = Directory.CreateDirectory(folder["own"]).FullName;
        File.WriteAllText(Path.Combine(own, "notes.txt"), "mine");
        Assert.Contains(
            "Name another path", Broken("ML9103", "convert", "--path", path, "--out", own, "--force"), StringComparison.Ordinal);
        Works("convert", "--path", path, "--out", folder["other"]);
    }

    [Fact]
    public void The_remedy_of_an_empty_selection_widens_it()
    {
        string path = Fixtures.PathOf("containers/model_and_optimizer.pth");

        Assert.Contains("'memload inspect'", Broken("ML6005", "plan", "--path", path, "--key", "nothing"), StringComparison.Ordinal);
        Assert.Contains("model_state_dict", Works("inspect", "--path", path), StringComparison.Ordinal);
        Works("plan", "--path", path, "--key", "model_state_dict");
        Assert.Contains("widen", Broken("ML6006", "plan", "--path", path, "--include", "nothing*"), StringComparison.Ordinal);
    }

    // The message includes the remedy. Any of several rules is accepted.
    private static string Broken(string rules, params string[] args)
    {
        CliRun run = CliRun.Of(args);
        Assert.NotEqual(0, run.ExitCode);
        string line = Assert.Single(run.ErrorLines);
        Assert.Matches($"^memload: error ({rules}): ", line);
        return line;
    }

    private static string Works(params string[] args)
    {
        CliRun run = CliRun.Of(args);
        Assert.True(run.ExitCode == 0, $"memload {string.Join(' ', args)}: {run.Error}{run.Output}");
        return run.Output;
    }

    [GeneratedRegex("--[a-z][a-z-]+")]
    private static partial Regex LongOption();

    [GeneratedRegex("'?memload ([a-z]+)")]
    private static partial Regex Called();
}
