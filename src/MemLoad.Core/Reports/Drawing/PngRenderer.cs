namespace MemLoad;

/// <summary>Draws pictures as PNG, with light colors, double resolution and a stroke font.</summary>
internal static class PngRenderer
{
    private const int Scale = 2;
    private const int Ground = 0xffffff;

    public static byte[] File(Picture picture)
    {
        var canvas = new Canvas(Size(picture.Width), Size(picture.Height), Ground);
        foreach (Shape shape in picture.Shapes)
        {
            switch (shape)
            {
                case Area { Ink: Ink.Notebook } hollow:
                    Draw(canvas, [.. hollow.Spots, hollow.Spots[0]], 1.5, Plain(hollow.Ink));
                    break;
                case Area area:
                    canvas.Fill([.. area.Spots.Select(Scaled)], Paint(area.Ink));
                    break;
                case Stroke { Dashed: true } stroke:
                    foreach (IReadOnlyList<Spot> dash in Dashes.Of(stroke.Spots, 5, 3))
                    {
                        Draw(canvas, dash, stroke.Width, Plain(stroke.Ink));
                    }
                    break;
                case Stroke stroke:
                    Draw(canvas, stroke.Spots, stroke.Width, Plain(stroke.Ink));
                    break;
                case Label label:
                    foreach (IReadOnlyList<Spot> line in StrokeFont.Lines(label))
                    {
                        Draw(canvas, line, label.Size * (label.Bold ? 0.13 : 0.09), Plain(label.Ink));
                    }
                    break;
                default:
                    throw new ArgumentException("a shape of no known kind", nameof(picture));
            }
        }
        return PngFile.Of(canvas);
    }

    private static int Size(double length) => (int)Math.Ceiling((length + (2 * Picture.Margin)) * Scale);

    private static Spot Scaled(Spot spot) => new((spot.X + Picture.Margin) * Scale, (spot.Y + Picture.Margin) * Scale);

    // Each piece is a rectangle that is longer by half the width at both ends, so that corners have no gaps.
    private static void Draw(Canvas canvas, IReadOnlyList<Spot> line, double width, Func<int, int, int> paint)
    {
        double half = width * Scale / 2;
        Span<Spot> corners = stackalloc Spot[4];
        for (int i = 0; i + 1 < line.Count; i++)
        {
            (Spot from, Spot to) = (Scaled(line[i]), Scaled(line[i + 1]));
            double length = Math.Sqrt(((to.X - from.X) * (to.X - from.X)) + ((to.Y - from.Y) * (to.Y - from.Y)));
            (double x, double y) = length > 0 ? ((to.X - from.X) / length * half, (to.Y - from.Y) / length * half) : (half, 0);
            corners[0] = new(from.X - x - y, from.Y - y + x);
            corners[1] = new(from.X - x + y, from.Y - y - x);
            corners[2] = new(to.X + x + y, to.Y + y - x);
            corners[3] = new(to.X + x - y, to.Y + y + x);
            canvas.Fill(corners, paint);
        }
    }

    private static Func<int, int, int> Plain(Ink ink)
    {
        int colour = Palette.Light(ink);
        return (_, _) => colour;
    }

    // The patterns of the SVG: rising stripes for anonymous memory, dots for file-backed memory.
    private static Func<int, int, int> Paint(Ink ink)
    {
        int colour = Palette.Light(ink);
        int pale = Mix(colour, Ground, 0.55);
        const int Cell = 6 * Scale;
        return ink switch
        {
            Ink.Host => (x, y) => (x + y) % Cell < 2 * Scale * 7 / 10 ? pale : colour,
            Ink.File => (x, y) =>
                ((x % Cell / Scale) is 1 or 2 && (y % Cell / Scale) is 1 or 2)
                || ((x % Cell / Scale) is 4 or 5 && (y % Cell / Scale) is 4 or 5)
                    ? pale
                    : colour,
            _ => (_, _) => colour,
        };
    }

    private static int Mix(int one, int other, double part)
    {
        int mixed = 0;
        for (int shift = 0; shift <= 16; shift += 8)
        {
            int a = (one >> shift) & 0xff;
            int b = (other >> shift) & 0xff;
            mixed |= (int)Math.Round(a + ((b - a) * part)) << shift;
        }
        return mixed;
    }
}
