using System.Text;
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

    public void Row(params ReadOnlySpan<Cell> cells)
    {
        var row = new Cell[cells.Length];
        for (int i = 0; i < row.Length; i++)
        {
            row[i] = cells[i] with { Text = Printable.Text(cells[i].Text, Printable.LongestCell) };
        }
        _rows.Add(row);
    }

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
    public int Width => WidthOf(Widths());

    /// <summary>Writes the table: a rule, the titles, a rule, the rows, a rule.</summary>
    public void Write()
    {
        int[] widths = Widths();
        Ink plain = new("", "");
        Ink dim = InkOf(new Style(decoration: Decoration.Dim));
        Ink bold = InkOf(new Style(decoration: Decoration.Bold));
        var inkOfColour = new Dictionary<Color, Ink>();
        string rule = dim.Before + new string(_console.Unicode ? '─' : '-', WidthOf(widths)) + dim.After;
        var line = new StringBuilder();
        _console.Out.WriteLine(rule);
        int lines = _columns.Max(column => column.Title.Count(c => c == '\n')) + 1;
        for (int i = 0; i < lines; i++)
        {
            // Titles are directly above the rule, whatever the number of lines of the longest title.
            string[] titles = [.. _columns.Select(column => LineOf(column.Title, i - lines))];
            WriteRow(line, widths, column => (titles[column], bold));
        }
        _console.Out.WriteLine(rule);
        foreach (Cell[] row in _rows)
        {
            WriteRow(line, widths, column => (row[column].Text, row[column].Colour is Color colour ? ColourInk(colour) : plain));
        }
        _console.Out.WriteLine(rule);

        Ink ColourInk(Color colour) =>
            inkOfColour.TryGetValue(colour, out Ink known) ? known : inkOfColour[colour] = InkOf(new Style(colour));
    }

    private void WriteRow(StringBuilder line, int[] widths, Func<int, (string Text, Ink Ink)> cell)
    {
        line.Clear();
        int blank = 0;
        for (int i = 0; i < widths.Length; i++)
        {
            (string text, Ink ink) = cell(i);
            int room = widths[i] - WidthOf(text);
            blank += 1 + (_columns[i].Right ? room : 0);
            if (text.Length > 0)
            {
                line.Append(' ', blank).Append(ink.Before).Append(text).Append(ink.After);
                blank = 0;
            }
            blank += 1 + (_columns[i].Right ? 0 : room);
        }
        // The spaces after the last text are not written.
        _console.Out.WriteLine(line);
    }

    // A line of a title, counted from the end: -1 is the last. A title with fewer lines has no text there.
    private static string LineOf(string title, int fromEnd)
    {
        string[] lines = title.Split('\n');
        return lines.ElementAtOrDefault(lines.Length + fromEnd) ?? "";
    }

    private int[] Widths()
    {
        int[] widths = [.. _columns.Select(column => column.Title.Split('\n').Max(WidthOf))];
        foreach (Cell[] row in _rows)
        {
            for (int i = 0; i < widths.Length; i++)
            {
                widths[i] = Math.Max(widths[i], WidthOf(row[i].Text));
            }
        }
        return widths;
    }

    private static int WidthOf(int[] columns) => columns.Sum(width => width + 2);

    // A character of East Asia can take two places.
    private static int WidthOf(string text) => Ascii.IsValid(text) ? text.Length : text.GetCellWidth();

    // What the terminal receives before and after a text of a style.
    private Ink InkOf(Style style)
    {
        const string Mark = "x";
        using var text = new StringWriter { NewLine = "\n" };
        Render(_console, text).Write(new Text(Mark, style));
        string[] parts = text.ToString().Split(Mark);
        return new Ink(parts[0], parts[1]);
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

    private readonly record struct Ink(string Before, string After);
}
