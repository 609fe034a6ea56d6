using System.CommandLine;
using System.Text.RegularExpressions;
using MemLoad.Cli;

namespace MemLoad.Tests.Docs;

/// <summary>Every command of the documents has the documented result. Commands for PowerShell run in tests/Pester/Docs.Tests.ps1.</summary>
public sealed partial class DocumentCommandTests(DocumentScratch scratch) : IClassFixture<DocumentScratch>
{
    public static TheoryData<string, string> ToRun => Select(command => NotRun.Reason(command.Text) is null, command => command.Text);

    public static TheoryData<string, string> Only =>
        Select(command => NotRun.Reason(command.Text) is not null, command => $"{command.Text}   ({NotRun.Reason(command.Text)})");

    [SkippableTheory(DisplayName = "A command of the documents runs")]
    [MemberData(nameof(ToRun))]
    public void Runs(string where, string command)
    {
        Skip.If(OperatingSystem.IsWindows(), "these are for bash; those for PowerShell run in Docs.Tests.ps1");
        DocumentCommand shown = DocumentCommand.All.First(candidate => candidate.Where == where);

        (int code, string text) = scratch.Run(shown);

        Assert.True((code == 0) == (shown.ExpectedIds.Length == 0), $"{where}: {command}\nends with {code}\n{text}");
        Assert.All(shown.ExpectedIds, id => Assert.Contains(id, text, StringComparison.Ordinal));
    }

    [Theory(DisplayName = "A command of the documents is not run here, but is right")]
    [MemberData(nameof(Only))]
    public void Is_right(string where, string command)
    {
        string? wrong = Wrong(DocumentCommand.All.First(candidate => candidate.Where == where).Text);
        Assert.True(wrong is null, $"{where}: {command}: {wrong}");
    }

    [Fact]
    public void Every_memload_command_parses_as_it_stands() =>
        Assert.All(DocumentCommand.All, command => Assert.Null(Wrong(command.Text)));

    [Fact]
    public void Every_option_that_the_text_names_exists()
    {
        var wrong = new List<string>();
        foreach (string document in DocumentBlock.Documents)
        {
            foreach (Match span in InlineCommand().Matches(string.Join('\n', DocumentBlock.LinesOf(document))))
            {
                string[] words = span.Groups[1].Value.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
                Command? command = words.Length == 0 || words[0][0] == '-'
                    ? Tree("")
                    : Tree(words[0]).Subcommands.FirstOrDefault(candidate => candidate.Name == words[0]);
                if (command is null || words.Any(word => word.StartsWith("--", StringComparison.Ordinal) && !Knows(command, word)))
                {
                    wrong.Add($"{document}: {span.Value}");
                }
            }
        }
        Assert.Empty(wrong);
    }

    private static TheoryData<string, string> Select(Func<DocumentCommand, bool> which, Func<DocumentCommand, string> text)
    {
        var data = new TheoryData<string, string>();
        foreach (DocumentCommand command in DocumentCommand.All.Where(which))
        {
            data.Add(command.Where, text(command));
        }
        return data;
    }

    // Returns the error of a command that can be found without running it; null if there is none.
    private static string? Wrong(string text)
    {
        foreach (Match match in Memload().Matches(text))
        {
            string[] args = match.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            (IReadOnlyList<string> own, IReadOnlyList<string>? program) = ProgramOperand.Split(args);
            ParseResult parsed = CommandTree.Build(CliConsole.ForWriters(TextWriter.Null, TextWriter.Null), own, program).Parse(own);
            if (parsed.Errors.Count > 0)
            {
                return parsed.Errors[0].Message;
            }
        }
        foreach (Match match in Script().Matches(text))
        {
            string file = Path.Combine(Repository.Root, match.Groups[1].Value);
            if (!File.Exists(file))
            {
                return $"there is no {match.Groups[1].Value}";
            }
            string source = File.ReadAllText(file);
            string? unknown = Parameter().Matches(match.Groups[2].Value).Select(parameter => parameter.Groups[1].Value)
                .FirstOrDefault(name => !source.Contains($"${name}", StringComparison.OrdinalIgnoreCase));
            if (unknown is not null)
            {
                return $"{match.Groups[1].Value} has no parameter {unknown}";
            }
        }
        string? gone = Project().Matches(text).Select(match => match.Groups[1].Value)
            .FirstOrDefault(project => !Directory.Exists(Path.Combine(Repository.Root, project)));
        return gone is null ? null : $"there is no {gone}";
    }

    private static RootCommand Tree(string verb) => CommandTree.Build(CliConsole.ForWriters(TextWriter.Null, TextWriter.Null), [verb]);

    // A program follows "--".
    private static bool Knows(Command command, string option) =>
        command.Options.Any(known => known.Name == option || known.Aliases.Contains(option)) || option is "--help" or "--version" or "--";

    // "memload …" or "dotnet run … --project src/MemLoad.Cli -- …", up to the part for the shell.
    [GeneratedRegex(@"(?:^|[(|;] *|&& *)(?:[A-Z_]+=\S+ +)*(?:memload|dotnet run [^|;]*src/MemLoad\.Cli --)((?: +[^ |;>()&]+)*)")]
    private static partial Regex Memload();

    [GeneratedRegex(@"(?:^|[ (])\./([\w./-]+\.ps1)([^|;>]*)")]
    private static partial Regex Script();

    [GeneratedRegex(@" -([A-Za-z]+)")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"--project (\S+)")]
    private static partial Regex Project();

    [GeneratedRegex(@"(?<!`)`memload ([^`]*)`(?!`)")]
    private static partial Regex InlineCommand();
}
