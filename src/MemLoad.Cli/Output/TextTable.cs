using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>A cell: its text, and the colour it has on a terminal.</summary>
internal readonly record struct Cell(string Text, Color? Colour = null)
{
    public static implicit operator Cell(string text) => new(text);
}

/// <summary>Aligned columns for people. As wide as the data needs and no wider: cells are never folded or cut.</summary>
internal sealed class TextTable
{
    private readonly CliConsole _console;
    private readonly Table _table = new() { Border = TableBorder.Horizontal, BorderStyle = new Style(decoration: Decoration.Dim) };

    public TextTable(CliConsole console) => _console = console;

    public TextTable Column(string title, bool right = false)
    {
        TableColumn column = new TableColumn(new Text(title, new Style(decoration: Decoration.Bold))).NoWrap().PadLeft(0).PadRight(1);
        _table.AddColumn(right ? column.RightAligned() : column);
        return this;
    }

    public void Row(params IEnumerable<Cell> cells) => _table.AddRow(cells.Select(cell => new Text(SafeText.Printable(cell.Text), new Style(cell.Colour))));

    public void Write()
    {
        using var text = new StringWriter { NewLine = "\n" };
        IAnsiConsole spectre = Render(_console, text);
        spectre.Write(_table);
        foreach (string line in text.ToString().TrimEnd('\n').Split('\n'))
        {
            _console.Out.WriteLine(line.TrimEnd());
        }
    }

    /// <summary>Writes one line, coloured on a terminal only.</summary>
    public static void Line(CliConsole console, string line, Style? style = null)
    {
        using var text = new StringWriter { NewLine = "\n" };
        Render(console, text).Write(new Text(SafeText.Printable(line), style));
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
        // Wide enough for any row: folding a name would make it unusable.
        spectre.Profile.Width = 100_000;
        spectre.Profile.Capabilities.Unicode = true;
        return spectre;
    }
}
