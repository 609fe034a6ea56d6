using System.Text;
using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>A cell: its text, and its colour on a terminal.</summary>
internal readonly record struct Cell(string Text, Color? Colour = null)
{
    public static implicit operator Cell(string text) => new(text);
}

/// <summary>Gives the text of a cell, which must be printable and at most <see cref="Printable.LongestCell"/> long.</summary>
/// <param name="row">The row.</param>
/// <param name="column">The column.</param>
/// <param name="room">Space for a text that is created for the call.</param>
internal delegate ReadOnlySpan<char> CellText(int row, int column, Span<char> room);

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
    public int Width => WidthOf(Widths(_rows.Count, TextOfRow));

    /// <summary>Writes the table: a rule, the titles, a rule, the rows, a rule.</summary>
    public void Write() => Write(_rows.Count, TextOfRow, (row, column) => _rows[row][column].Colour);

    /// <summary>
    /// Writes a table whose rows need not exist in memory. Each text is requested twice, to measure it and to write it. Many rows use no
    /// memory.
    /// </summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="text">The text of each cell.</param>
    public void Write(int rows, CellText text) => Write(rows, text, colour: null);

    private ReadOnlySpan<char> TextOfRow(int row, int column, Span<char> room) => _rows[row][column].Text;

    private void Write(int rows, CellText text, Func<int, int, Color?>? colour)
    {
        int[] widths = Widths(rows, text);
        Ink plain = new("", "");
        Ink dim = InkOf(new Style(decoration: Decoration.Dim));
        Ink bold = InkOf(new Style(decoration: Decoration.Bold));
        var inkOfColour = new Dictionary<Color, Ink>();
        string rule = dim.Before + new string(_console.Unicode ? '─' : '-', WidthOf(widths)) + dim.After;
        var line = new StringBuilder();
        Span<char> room = stackalloc char[Printable.LongestCell];
        _console.Out.WriteLine(rule);
        int lines = _columns.Max(column => column.Title.Count(c => c == '\n')) + 1;
        for (int i = 0; i < lines; i++)
        {
            // Titles are directly above the rule, even if the longest title has more lines.
            string[] titles = [.. _columns.Select(column => LineOf(column.Title, i - lines))];
            WriteRow(line, widths, -1, (_, column, _) => titles[column], (_, _) => bold, room);
        }
        _console.Out.WriteLine(rule);
        for (int row = 0; row < rows; row++)
        {
            WriteRow(line, widths, row, text, InkOfCell, room);
        }
        _console.Out.WriteLine(rule);

        Ink InkOfCell(int row, int column) => colour?.Invoke(row, column) is Color one ? ColourInk(one) : plain;

        Ink ColourInk(Color one) => inkOfColour.TryGetValue(one, out Ink known) ? known : inkOfColour[one] = InkOf(new Style(one));
    }

    private void WriteRow(StringBuilder line, int[] widths, int row, CellText cell, Func<int, int, Ink> inkOf, Span<char> room)
    {
        line.Clear();
        int blank = 0;
        for (int i = 0; i < widths.Length; i++)
        {
            ReadOnlySpan<char> text = cell(row, i, room);
            int spare = widths[i] - WidthOf(text);
            blank += 1 + (_columns[i].Right ? spare : 0);
            if (text.Length > 0)
            {
                Ink ink = inkOf(row, i);
                line.Append(' ', blank).Append(ink.Before).Append(text).Append(ink.After);
                blank = 0;
            }
            blank += 1 + (_columns[i].Right ? 0 : spare);
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

    private int[] Widths(int rows, CellText text)
    {
        Span<char> room = stackalloc char[Printable.LongestCell];
        int[] widths = [.. _columns.Select(column => column.Title.Split('\n').Max(line => WidthOf(line)))];
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < widths.Length; i++)
            {
                widths[i] = Math.Max(widths[i], WidthOf(text(row, i, room)));
            }
        }
        return widths;
    }

    private static int WidthOf(int[] columns) => columns.Sum(width => width + 2);

    // An East Asian character can have a width of two.
    private static int WidthOf(ReadOnlySpan<char> text) => Ascii.IsValid(text) ? text.Length : text.ToString().GetCellWidth();

    // The text that is sent to the terminal before and after a text of a style.
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
