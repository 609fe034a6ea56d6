namespace MemLoad.Tests.Docs;

/// <summary>A fenced block of a document.</summary>
/// <param name="Document">Path below the repository, with forward slashes.</param>
/// <param name="Line">Line of its first line, from 1.</param>
/// <param name="Language">The word after the fence, or an empty text.</param>
/// <param name="Lines">The lines of the block.</param>
internal sealed record DocumentBlock(string Document, int Line, string Language, IReadOnlyList<string> Lines)
{
    private const string Fence = "```";

    /// <summary>
    /// The documents for users and contributors: the pages at the root and every page of docs/, in every language. Help of cmdlets has its
    /// own tests.
    /// </summary>
    public static string[] Documents { get; } =
    [
        .. Directory
            .EnumerateFiles(Repository.Root, "*.md")
            .Where(path => Path.GetFileName(path) != "CHANGELOG.md")
            .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md"))
            .Append(Path.Combine(Repository.Root, "build", "release", "README.md"))
            .Select(path => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/')).Order(StringComparer.Ordinal),
    ];

    public static IEnumerable<DocumentBlock> All => Documents.SelectMany(Of);

    public static string[] LinesOf(string document) => File.ReadAllLines(Path.Combine(Repository.Root, document));

    private static IEnumerable<DocumentBlock> Of(string document)
    {
        string[] lines = LinesOf(document);
        for (int i = 0; i < lines.Length; i++)
        {
            string opening = lines[i].TrimStart();
            if (!opening.StartsWith(Fence, StringComparison.Ordinal))
            {
                continue;
            }
            int first = i + 1;
            int end = Array.FindIndex(lines, first, line => line.TrimStart().StartsWith(Fence, StringComparison.Ordinal));
            if (end < 0)
            {
                throw new InvalidDataException($"{document}:{first}: the block is never closed.");
            }
            yield return new DocumentBlock(document, first + 1, opening[Fence.Length..].Trim(), lines[first..end]);
            i = end;
        }
    }
}
