namespace MemLoad;

/// <summary>What a shape stands for; a renderer knows the colour and the pattern.</summary>
internal enum Ink
{
    /// <summary>Text.</summary>
    Text,
    /// <summary>Less important text.</summary>
    Muted,
    /// <summary>Lines of the grid.</summary>
    Grid,
    /// <summary>Axes.</summary>
    Axis,
    /// <summary>Ground of a plot, and every second phase.</summary>
    Band,
    /// <summary>Device memory: plain.</summary>
    Device,
    /// <summary>Anonymous host memory: striped.</summary>
    Host,
    /// <summary>File-backed host memory: dotted.</summary>
    File,
    /// <summary>Time: plain.</summary>
    Time,
    /// <summary>Somebody else's figure: hollow.</summary>
    Notebook,
    /// <summary>A forecast.</summary>
    Forecast,
    /// <summary>A budget.</summary>
    Budget,
}

/// <summary>Where a text has its point.</summary>
internal enum Anchor
{
    /// <summary>At its start.</summary>
    Start,
    /// <summary>In its middle.</summary>
    Middle,
    /// <summary>At its end.</summary>
    End,
}

/// <summary>A place in a picture; y grows downwards.</summary>
internal readonly record struct Spot(double X, double Y);

/// <summary>Something drawn.</summary>
internal abstract record Shape(Ink Ink);

/// <summary>A filled polygon.</summary>
internal sealed record Area(Ink Ink, IReadOnlyList<Spot> Spots) : Shape(Ink)
{
    public static Area Box(Ink ink, double x, double y, double width, double height) =>
        new(ink, [new(x, y), new(x + width, y), new(x + width, y + height), new(x, y + height)]);
}

/// <summary>A line through places, plain or dashed.</summary>
internal sealed record Stroke(Ink Ink, IReadOnlyList<Spot> Spots, double Width = 1, bool Dashed = false) : Shape(Ink);

/// <summary>A line of text on its baseline.</summary>
internal sealed record Label(Ink Ink, double X, double Y, string Text, double Size = 12, Anchor Anchor = Anchor.Start, bool Bold = false) : Shape(Ink);

/// <summary>The figures of a picture, for those who cannot see it.</summary>
internal sealed record FigureTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>A picture: shapes in the order in which they are drawn, and the same in words and figures. Renderers make SVG and PNG of it.</summary>
/// <param name="Name">A file name without extension.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Description">What there is to see, in sentences.</param>
/// <param name="Width">In pixels of a screen of ordinary density.</param>
/// <param name="Height">The same.</param>
/// <param name="Shapes">From back to front.</param>
/// <param name="Table">The figures.</param>
internal sealed record Picture(string Name, string Title, string Description, double Width, double Height, IReadOnlyList<Shape> Shapes, FigureTable Table)
{
    /// <summary>All pictures are as wide as this: legible on a telephone, and two fit beside each other on a screen.</summary>
    public const double CommonWidth = 440;

    /// <summary>What files have around the picture; on a page its box has it.</summary>
    public const double Margin = 10;
}
