using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>A cell: its text, and its colour on a terminal.</summary>
internal readonly record struct Cell(string Text, Color? Colour = null)
{
    public static implicit operator Cell(string text) => new(text);
}

/// <summary>
/// Aligned columns. The table is only as wide as the data. Cells are never wrapped, and only extremely long cells are cut.
/// </summary>
internal sealed class TextTable
{
    private readonly CliConsole _console;
    private readonly List<(string Title, bool Right)> _columns = [];
    private readonly List<Cell[]> _rows = [];

    public TextTable(CliConsole console) => _console = console;

    public TextTable Column(string title, bool right = false)
    {
        _columns.Add((title, right));
        return this;
    }

    public void Row(params IEnumerable<Cell> cells) =>
        _rows.Add([.. cells.Select(cell => cell with { Text = Printable.Text(cell.Text, Printable.LongestCell) })]);

    /// <summary>Appends a column to the existing rows.</summary>
    public void AddColumn(string title, IEnumerable<Cell> cells)
    {
        Column(title);
        int i = 0;
        foreach (Cell cell in cells)
        {
            _rows[i] = [.. _rows[i], cell];
            i++;
        }
    }

    /// <summary>The width of a line in characters: two between columns, one at each end.</summary>
    public int Width => _columns.Select((column, i) =>
        column.Title.Split('\n').Concat(_rows.Select(row => row[i].Text)).Max(text => text.Length) + 2).Sum();

    public void Write()
    {
        var table = new Table { Border = TableBorder.Horizontal, BorderStyle = new Style(decoration: Decoration.Dim) };
        int lines = _columns.Max(column => column.Title.Count(c => c == '\n'));
        for (int i = 0; i < _columns.Count; i++)
        {
            (string title, bool right) = _columns[i];
            // Titles are directly above the rule, whatever the number of lines of the longest title.
            string low = new string('\n', lines - title.Count(c => c == '\n')) + title;
            TableColumn column = new TableColumn(new Text(low, new Style(decoration: Decoration.Bold))).NoWrap().PadLeft(0)
                .PadRight(i == _columns.Count - 1 ? 0 : 1);
            table.AddColumn(right ? column.RightAligned() : column);
        }
        foreach (Cell[] row in _rows)
        {
            table.AddRow(row.Select(cell => new Text(cell.Text, new Style(cell.Colour))));
        }
        using var text = new StringWriter { NewLine = "\n" };
        Render(_console, text).Write(table);
        foreach (string line in text.ToString().TrimEnd('\n').Split('\n'))
        {
            // Only the rules of the table have characters that do not come from the data.
            _console.Out.WriteLine((_console.Unicode ? line : line.Replace('─', '-')).TrimEnd());
        }
    }

    /// <summary>Writes one line; with colours only on a terminal.</summary>
    public static void Line(CliConsole console, string line, Style? style = null)
    {
        using var text = new StringWriter { NewLine = "\n" };
        Render(console, text).Write(new Text(Printable.Text(line), style));
        console.Out.WriteLine(text.ToString().TrimEnd());
    }

    private static IAnsiConsole Render(CliConsole console, StringWriter text)
    {
        IAnsiConsole spectre = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = console.Colour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = console.Colour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        // Wide enough for any row, because a wrapped name cannot be used.
        spectre.Profile.Width = 100_000;
        spectre.Profile.Capabilities.Unicode = console.Unicode;
        return spectre;
    }
}
