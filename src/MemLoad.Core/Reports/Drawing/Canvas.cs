namespace MemLoad;

/// <summary>An image of RGB bytes. Polygons are filled with smooth edges.</summary>
internal sealed class Canvas
{
    private const int LinesPerRow = 4;

    private readonly float[] _coverage;

    public Canvas(int width, int height, int ground)
    {
        (Width, Height) = (width, height);
        Pixels = new byte[checked(width * height * 3)];
        for (int i = 0; i < Pixels.Length; i++)
        {
            Pixels[i] = (byte)(ground >> (16 - (8 * (i % 3))));
        }
        _coverage = new float[width];
    }

    public int Width { get; }
    public int Height { get; }

    /// <summary>Rows from the top, three bytes per pixel.</summary>
    public byte[] Pixels { get; }

    /// <summary>
    /// Fills a polygon, with corners in pixels, by the even-odd rule. <paramref name="paint"/> returns the colour of the pixel at x, y.
    /// </summary>
    public void Fill(ReadOnlySpan<Spot> polygon, Func<int, int, int> paint)
    {
        (double top, double bottom, double left, double right) = (double.MaxValue, double.MinValue, double.MaxValue, double.MinValue);
        foreach (Spot spot in polygon)
        {
            (top, bottom) = (Math.Min(top, spot.Y), Math.Max(bottom, spot.Y));
            (left, right) = (Math.Min(left, spot.X), Math.Max(right, spot.X));
        }
        int first = (int)Math.Clamp(Math.Floor(left), 0, Width);
        int end = (int)Math.Clamp(Math.Ceiling(right), first, Width);
        if (first == end)
        {
            return; // it is outside the image, as the end of a long text can be
        }
        var crossings = new List<double>();
        int last = (int)Math.Min(Height - 1, Math.Floor(bottom));
        for (int y = (int)Math.Max(0, Math.Floor(top)); y <= last; y++)
        {
            Array.Clear(_coverage, first, end - first);
            for (int line = 0; line < LinesPerRow; line++)
            {
                Cross(polygon, y + ((line + 0.5) / LinesPerRow), crossings);
                for (int i = 0; i + 1 < crossings.Count; i += 2)
                {
                    Cover(Math.Max(0, crossings[i]), Math.Min(Width, crossings[i + 1]));
                }
            }
            for (int x = first; x < end; x++)
            {
                if (_coverage[x] > 0)
                {
                    Blend(x, y, paint(x, y), Math.Min(1, _coverage[x]));
                }
            }
        }
    }

    private static void Cross(ReadOnlySpan<Spot> polygon, double y, List<double> crossings)
    {
        crossings.Clear();
        Spot from = polygon[^1];
        foreach (Spot to in polygon)
        {
            if (from.Y <= y != to.Y <= y)
            {
                crossings.Add(from.X + ((y - from.Y) / (to.Y - from.Y) * (to.X - from.X)));
            }
            from = to;
        }
        crossings.Sort();
    }

    private void Cover(double from, double to)
    {
        for (int x = (int)from; x < to; x++)
        {
            _coverage[x] += (float)(Math.Min(x + 1, to) - Math.Max(x, from)) / LinesPerRow;
        }
    }

    private void Blend(int x, int y, int colour, float part)
    {
        int at = ((y * Width) + x) * 3;
        for (int i = 0; i < 3; i++)
        {
            int over = (byte)(colour >> (16 - (8 * i)));
            Pixels[at + i] = (byte)Math.Round(Pixels[at + i] + ((over - Pixels[at + i]) * part));
        }
    }
}
