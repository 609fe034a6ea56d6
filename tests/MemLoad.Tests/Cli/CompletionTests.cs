using System.CommandLine;
using System.Diagnostics;
using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

/// <summary>The words that a shell offers next, from the command itself and from the scripts in real shells.</summary>
public sealed class CompletionTests
{
    private static readonly string[] Visible =
        ["measure", "plan", "inspect", "test", "manifest", "warm", "convert", "new", "invoke", "report", "runtime", "completion", "help"];

    [Fact]
    public void Every_command_is_offered_and_every_option_of_each()
    {
        Assert.Equal([.. Visible, "--help", "--version"], Offered(""));
        RootCommand tree = CommandTree.Build(CliConsole.ForWriters(TextWriter.Null, TextWriter.Null), ["[all"]);
        foreach (Command command in tree.Subcommands.Where(command => !command.Hidden && command.Options.Count > 0))
        {
            Assert.Equal(
                [.. command.Options.Select(option => option.Name), "--help"], Offered(command.Name, "--").Order(Comparer(command)));
        }

        static IComparer<string> Comparer(Command command) =>
            Comparer<string>.Create((first, second) => Rank(command, first).CompareTo(Rank(command, second)));

        static int Rank(Command command, string name) =>
            command.Options.ToList().FindIndex(option => option.Name == name) is int at and >= 0 ? at : int.MaxValue;
    }

    [Fact]
    public void The_values_of_every_closed_list_are_offered_and_taken()
    {
        RootCommand tree = CommandTree.Build(CliConsole.ForWriters(TextWriter.Null, TextWriter.Null), ["[all"]);
        int lists = 0;
        foreach (Command command in tree.Subcommands.Where(command => !command.Hidden))
        {
            foreach (Option option in command.Options.Where(option => option.ValueType != typeof(bool)))
            {
                string[] values = Offered(command.Name, option.Name, "");
                lists += values.Length > 0 ? 1 : 0;
                foreach (string value in values)
                {
                    Assert.DoesNotContain(command.Parse([option.Name, value]).Errors, error =>
                        error.Message.Contains($"'{value}'", StringComparison.Ordinal));
                }
            }
        }
        Assert.True(lists >= 20, $"{lists} lists");
    }

    [Theory]
    [InlineData("me", "measure")]
    [InlineData("measure --strategy St", "Stream")]
    [InlineData("measure --strategy st", "Stream")]
    [InlineData("measure --strategy Stream,Mm", "Stream,Mmap")]
    [InlineData("measure --strategy Stream Mm", "Mmap")]
    [InlineData("measure --strategy Stream,S", "Stream,Sequential")]
    [InlineData("measure --strategy=St", "--strategy=Stream")]
    [InlineData("measure --dtype bf", "bfloat16")]
    [InlineData("measure --device s", "sim sim:unified")]
    [InlineData("measure --cache w", "warm")]
    [InlineData("measure --format j", "json")]
    [InlineData("measure --size gpt2-s", "gpt2-small")]
    [InlineData("measure --repeat 3 --forc", "--force")]
    [InlineData("measure --force --forc", "")]
    [InlineData("measure --path model.pth --pa", "")]
    [InlineData("test --path a.pth --pa", "--path")]
    [InlineData("convert --to f", "folder")]
    [InlineData("measure --path ", "")]
    [InlineData("measure --path mo", "")]
    [InlineData("measure --repeat ", "")]
    [InlineData("completion ", "bash pwsh zsh")]
    [InlineData("completion z", "zsh")]
    [InlineData("help meas", "measure")]
    [InlineData("nosuch --p", "")]
    public void The_words_that_can_follow_are_offered(string line, string expected) =>
        Assert.Equal(
            expected.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Offered(line.Split(' ')).Where(word => word != "--help" || expected.Contains("--help", StringComparison.Ordinal)));

    [Theory]
    [InlineData("measure")]
    [InlineData("report")]
    [InlineData("completion")]
    [InlineData("help")]
    public void The_help_command_prints_the_help_of_a_command(string command)
    {
        CliRun help = CliRun.Of("help", command);
        Assert.Equal(CliRun.Of(command, "--help"), help);
        Assert.Equal(0, help.ExitCode);
        Assert.Contains($"memload {command}", help.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_without_a_command_lists_all_commands_and_an_unknown_command_is_a_usage_error()
    {
        Assert.Equal(CliRun.Of("--help"), CliRun.Of("help"));
        Assert.Equal(CliRun.Of("nosuch"), CliRun.Of("help", "nosuch"));
        Assert.Equal(2, CliRun.Of("help", "nosuch").ExitCode);
        Assert.Equal(2, CliRun.Of("completion", "fish").ExitCode);
        Assert.Contains("bash, zsh, pwsh", Assert.Single(CliRun.Of("completion", "fish").ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_that_the_scripts_call_is_hidden() => Assert.DoesNotMatch("(?m)^ +complete ", CliRun.Of("--help").Output);

    [SkippableFact]
    public void Bash_completes()
    {
        using var shell = new Shell("bash");
        const string Ask = """
            eval "$(memload completion bash)"
            ask() { COMP_LINE=$1 COMP_POINT=${#1}; COMPREPLY=(); _memload memload "${1##* }" ""; printf '%s|' "${COMPREPLY[@]}"; echo; }
            complete -p memload
            ask 'memload me'
            ask 'memload measure --strategy Stream,Mm'
            ask 'memload measure --strategy=Se'
            ask 'memload measure --path "a b" --device s'
            ask 'memload measure --path mod'
            ask 'memload help run'
            """;

        Assert.Equal(
            [
                "complete -o bashdefault -o default -F _memload memload",
                "measure|",
                "Stream,Mmap|",
                "Sequential|",
                "sim|sim:unified|",
                "|",
                "runtime|",
            ],
            shell.Run(Ask));
    }

    [SkippableFact]
    public void Zsh_completes()
    {
        using var shell = new Shell("zsh");
        // Words are added only while a line is edited. Here they are printed.
        const string Ask = """
            compdef() { print "for $2" }
            compadd() { shift; print -r -- "${(j:|:)@}|" }
            _files() { print files }
            source <(memload completion zsh)
            ask() { words=("$@"); CURRENT=$#; _memload }
            ask memload me
            ask memload measure --strategy Stream,Mm
            ask memload measure --strategy=Se
            ask memload measure --path 'a\ b' --device s
            ask memload measure --path mod
            ask memload help run
            """;

        Assert.Equal(
            ["for memload", "measure|", "Stream,Mmap|", "--strategy=Sequential|", "sim|sim:unified|", "files", "runtime|"], shell.Run(Ask));
    }

    private static string[] Offered(params string[] words)
    {
        CliRun run = CliRun.Of(["complete", "--", .. words]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Starts a shell that has the command memload.</summary>
    private sealed class Shell : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly string _name;

        public Shell(string name)
        {
            _name = name;
            Skip.IfNot(
                !OperatingSystem.IsWindows()
                    && Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, name))),
                $"there is no {name} here");
            File.WriteAllText(
                _folder["memload"], $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "memload.dll")}' \"$@\"\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(_folder["memload"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }

        public string[] Run(string script)
        {
            // The configuration of the user is not used.
            var start = new ProcessStartInfo(_name, [_name == "zsh" ? "-f" : "--norc", "-c", script]);
            start.Environment["PATH"] = $"{_folder.Path}:{Environment.GetEnvironmentVariable("PATH")}";
            var run = EndedProcess.Run(start);
            Assert.Equal("", run.Error);
            return run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }

        public void Dispose() => _folder.Dispose();
    }
}
