namespace MemLoad.Tests.Docs;

public sealed class LineLengthTests
{
    private const int Most = 140;

    [Theory]
    [InlineData("src/MemLoad.Cli")]
    [InlineData("src/MemLoad.Cmdlets")]
    [InlineData("src/MemLoad.Core")]
    [InlineData("src/MemLoad.Isolation")]
    [InlineData("src/MemLoad.Torch")]
    public void Lines_of_code_have_at_most_140_characters(string folder)
    {
        char separator = Path.DirectorySeparatorChar;
        IEnumerable<string> files = Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{separator}obj{separator}", StringComparison.Ordinal));

        Assert.Empty(files.SelectMany(file => File.ReadLines(file).Select((line, index) => (line, index)).Where(at => at.line.Length > Most)
            .Select(at => $"{Path.GetRelativePath(Repository.Root, file)}:{at.index + 1}")));
    }

    // Rows of tables and code cannot be wrapped. A Japanese character has a width of two.
    [Fact]
    public void Lines_of_prose_have_at_most_140_characters()
    {
        IEnumerable<string> pages =
        [
            .. Directory.EnumerateFiles(Repository.Root, "*.md"),
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories),
        ];

        Assert.Empty(pages.SelectMany(page => ProseOf(page).Where(at => at.Line.Length > Most)
            .Select(at => $"{Path.GetRelativePath(Repository.Root, page)}:{at.Number}")));
    }

    private static IEnumerable<(string Line, int Number)> ProseOf(string page)
    {
        bool isCode = false;
        int number = 0;
        foreach (string line in File.ReadLines(page))
        {
            number++;
            isCode ^= line.StartsWith("```", StringComparison.Ordinal);
            if (!isCode && !line.StartsWith('|'))
            {
                yield return (line, number);
            }
        }
    }
}
