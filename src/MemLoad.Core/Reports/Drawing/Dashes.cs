namespace MemLoad;

/// <summary>Splits a line into dashes.</summary>
internal static class Dashes
{
    /// <summary>
    /// Returns the dashes, of length <paramref name="on"/> with gaps of length <paramref name="off"/>. Each dash is a piece of the line
    /// with its corners.
    /// </summary>
    public static IEnumerable<IReadOnlyList<Spot>> Of(IReadOnlyList<Spot> line, double on, double off)
    {
        var dash = new List<Spot> { line[0] };
        bool drawing = true;
        double left = on;
        for (int i = 0; i + 1 < line.Count; i++)
        {
            (Spot from, Spot to) = (line[i], line[i + 1]);
            double length = Math.Sqrt(((to.X - from.X) * (to.X - from.X)) + ((to.Y - from.Y) * (to.Y - from.Y)));
            double done = 0;
            while (length - done > left)
            {
                done += left;
                var spot = new Spot(from.X + ((to.X - from.X) * done / length), from.Y + ((to.Y - from.Y) * done / length));
                if (drawing)
                {
                    dash.Add(spot);
                    yield return dash;
                }
                dash = [spot];
                drawing = !drawing;
                left = drawing ? on : off;
            }
            left -= length - done;
            dash.Add(to);
        }
        if (drawing && dash.Count > 1)
        {
            yield return dash;
        }
    }
}
