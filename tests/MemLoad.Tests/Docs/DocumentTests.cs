using System.Text.RegularExpressions;
using MemLoad.Tests.Corpus;

namespace MemLoad.Tests.Docs;

/// <summary>The targets of the documents' links and names exist.</summary>
public sealed partial class DocumentTests
{
    // Blocks with commands (sh or bash, console, powershell) are run. The others are data or text.
    private static readonly string[] Languages =
    [
        "sh",
        "bash",
        "console",
        "powershell",
        "text",
        "python",
        "json",
        "csharp",
        "yaml",
        "html",
    ];

    public static TheoryData<string> Documents => [.. DocumentBlock.Documents];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_block_has_a_known_language(string document) =>
        Assert.All(DocumentBlock.All.Where(block => block.Document == document), block => Assert.Contains(block.Language, Languages));

    [Fact]
    public void The_README_in_Japanese_shows_the_same_commands()
    {
        Assert.Equal(Shown("README.md"), Shown("README.ja.md"));

        static IEnumerable<string> Shown(string document) =>
            DocumentBlock
                .All.Where(block => block.Document == document)
                .Select(block => $"{block.Language}\n{string.Join('\n', block.Lines)}");
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_link_to_a_file_leads_to_one(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, document))!;
        string text = string.Join('\n', DocumentBlock.LinesOf(document));

        Assert.All(Link().Matches(text).Select(match => match.Groups[1].Value), target =>
            Assert.True(Path.Exists(Path.Combine(folder, target)), target));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_id_is_one_of_a_rule(string document) =>
        Assert.All(Id().Matches(string.Join('\n', DocumentBlock.LinesOf(document))), match =>
            Assert.Contains(RulesDocument.AllRules, rule => rule.Id == match.Value));

    [Fact]
    public void Every_rule_is_found_by_its_id()
    {
        string text = string.Concat(((string[])["docs/rules.md", "docs/troubleshooting.md"]).SelectMany(DocumentBlock.LinesOf));
        Assert.All(RulesDocument.AllRules, rule => Assert.Contains(rule.Id, text, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\]\(((?!https?:|#|mailto:)[^)#\s]+)(?:#[^)]*)?\)")]
    private static partial Regex Link();

    // Except ML801x, which is a group of ids.
    [GeneratedRegex(@"\bML[0-9]{4}\b")]
    private static partial Regex Id();
}
