namespace MemLoad;

/// <summary>The meaning of a shape. A renderer selects the color and the pattern.</summary>
internal enum Ink
{
    Text,
    Muted, // less important text
    Grid,
    Axis,
    Band, // the background of a plot, and every second phase
    Device, // plain
    Host, // anonymous host memory: striped
    File, // file-backed host memory: dotted
    Time, // plain
    Notebook, // a figure of another source: hollow
    Forecast,
    Budget,
}

/// <summary>The alignment of a text at its position.</summary>
internal enum Anchor
{
    Start, Middle, End,
}

/// <summary>A point in a picture. y increases downwards.</summary>
internal readonly record struct Spot(double X, double Y);

/// <summary>A shape.</summary>
internal abstract record Shape(Ink Ink);

/// <summary>A filled polygon.</summary>
internal sealed record Area(Ink Ink, IReadOnlyList<Spot> Spots) : Shape(Ink)
{
    public static Area Box(Ink ink, double x, double y, double width, double height) =>
        new(ink, [new(x, y), new(x + width, y), new(x + width, y + height), new(x, y + height)]);
}

/// <summary>A line through points, plain or dashed.</summary>
internal sealed record Stroke(Ink Ink, IReadOnlyList<Spot> Spots, double Width = 1, bool Dashed = false) : Shape(Ink);

/// <summary>A line of text on its baseline.</summary>
internal sealed record Label(Ink Ink, double X, double Y, string Text, double Size = 12, Anchor Anchor = Anchor.Start, bool Bold = false)
    : Shape(Ink);

/// <summary>The figures at a place of a picture. A page shows them when the pointer is there.</summary>
internal sealed record Hint(double X, double Y, double Width, double Height, string Text);

/// <summary>The figures of a picture, for people who cannot see it.</summary>
internal sealed record FigureTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>Returns a table with a row for each item.</summary>
    public static FigureTable Of<T>(IEnumerable<T> items, params (string Name, Func<T, string> Cell)[] columns) => new(
        [.. columns.Select(column => column.Name)],
        [.. items.Select(item => (IReadOnlyList<string>)[.. columns.Select(column => column.Cell(item))])]);
}

/// <summary>
/// A picture: shapes from back to front, and the same content in words and figures. Renderers create SVG and PNG from it. Its name is a
/// file name without extension, and its size is in pixels of a screen with normal density.
/// </summary>
internal sealed record Picture(
    string Name, string Title, string Description, double Width, double Height, IReadOnlyList<Shape> Shapes, FigureTable Table)
{
    /// <summary>The figures at its places. A picture of points has none.</summary>
    public IReadOnlyList<Hint> Hints { get; init; } = [];

    /// <summary>The width of all pictures. They are legible on a phone, and two fit side by side on a screen.</summary>
    public const double CommonWidth = 440;

    /// <summary>The margin of a picture in a file. On a page, the box of the picture has the margin.</summary>
    public const double Margin = 10;
}
