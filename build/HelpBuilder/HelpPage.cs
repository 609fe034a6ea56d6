namespace MemLoad.Help;

/// <summary>A heading of the third level and what stands below it.</summary>
internal sealed record HelpItem(string Title, string Text)
{
    private const string DefaultMark = "Default: ";

    /// <summary>
    /// The default value that a last paragraph states, for values that depend on the machine or on other parameters; null if none does.
    /// </summary>
    public string? Default =>
        Paragraphs[^1].StartsWith(DefaultMark, StringComparison.Ordinal) ? Paragraphs[^1][DefaultMark.Length..].TrimEnd('.') : null;

    /// <summary>The text without that paragraph.</summary>
    public string Description => Default is null ? Text : string.Join("\n\n", Paragraphs[..^1]);

    private string[] Paragraphs => Text.Split("\n\n");
}

/// <summary>One page of markdown: front matter as PlatyPS writes it, sections of the second level, items of the third.</summary>
internal sealed class HelpPage
{
    private const string FrontMatterMark = "---";

    private readonly Dictionary<string, (string Text, List<HelpItem> Items)> _sections = new(StringComparer.Ordinal);
    private string[] _frontMatter = [];

    public string Synopsis => TextOf("SYNOPSIS");

    public string Description => TextOf("DESCRIPTION");

    public IReadOnlyList<HelpItem> Examples => ItemsOf("EXAMPLES");

    public IReadOnlyList<HelpItem> Parameters => ItemsOf("PARAMETERS");

    public IReadOnlyList<HelpItem> Inputs => ItemsOf("INPUTS");

    public IReadOnlyList<HelpItem> Outputs => ItemsOf("OUTPUTS");

    public IEnumerable<string> Links =>
        TextOf("RELATED LINKS").Split('\n').Select(line => line.TrimStart('-', ' ')).Where(line => line.Length > 0);

    public static HelpPage Read(string path)
    {
        var page = new HelpPage();
        string section = "";
        string? item = null;
        var text = new List<string>();
        bool code = false;
        string[] lines = File.ReadAllLines(path);
        int end = lines is [FrontMatterMark, ..] ? Array.IndexOf(lines, FrontMatterMark, 1) : -1;
        page._frontMatter = end < 0 ? [] : lines[1..end];
        foreach (string line in lines.Skip(end + 1))
        {
            code ^= line.StartsWith("```", StringComparison.Ordinal);
            if (!code && line.StartsWith("## ", StringComparison.Ordinal))
            {
                page.Add(section, item, text);
                (section, item) = (line[3..].Trim(), null);
            }
            else if (!code && line.StartsWith("### ", StringComparison.Ordinal))
            {
                page.Add(section, item, text);
                item = line[4..].Trim();
            }
            else
            {
                text.Add(line);
            }
        }
        page.Add(section, item, text);
        return page;
    }

    /// <summary>What a page must not lack.</summary>
    public IEnumerable<string> ProblemsWith(CmdletShape cmdlet)
    {
        foreach (string missing in FrontMatterOf(cmdlet).Except(_frontMatter))
        {
            yield return $"the front matter does not state '{missing}'";
        }
        foreach ((string name, string text) in ((string, string)[])[("SYNOPSIS", Synopsis), ("DESCRIPTION", Description)])
        {
            if (text.Length == 0)
            {
                yield return $"no {name}";
            }
        }
        if (Examples.Count < 2)
        {
            yield return "fewer than two examples";
        }
        string[] known = [.. cmdlet.Parameters.Select(parameter => "-" + parameter.Name).Distinct()];
        foreach (
            string missing in known.Except(Parameters.Where(parameter => parameter.Text.Length > 0).Select(parameter => parameter.Title)))
        {
            yield return $"the parameter {missing} is not described";
        }
        foreach (string unknown in Parameters.Select(parameter => parameter.Title).Except(known))
        {
            yield return $"there is no parameter {unknown}";
        }
    }

    // What Microsoft.PowerShell.PlatyPS needs to read the page.
    private static string[] FrontMatterOf(CmdletShape cmdlet) =>
    [
        "document type: cmdlet",
        "external help file: MemLoad.Cmdlets.dll-Help.xml",
        "Module Name: MemLoad",
        "PlatyPS schema version: 2024-05-01",
        $"title: {cmdlet.Name}",
    ];

    private void Add(string section, string? item, List<string> lines)
    {
        string text = string.Join('\n', lines).Trim();
        lines.Clear();
        if (!_sections.TryGetValue(section, out (string Text, List<HelpItem> Items) known))
        {
            known = ("", []);
        }
        if (item is null)
        {
            known.Text = text;
        }
        else
        {
            known.Items.Add(new HelpItem(item, text));
        }
        _sections[section] = known;
    }

    private string TextOf(string section) => _sections.TryGetValue(section, out (string Text, List<HelpItem>) found) ? found.Text : "";

    private List<HelpItem> ItemsOf(string section) =>
        _sections.TryGetValue(section, out (string, List<HelpItem> Items) found) ? found.Items : [];
}
