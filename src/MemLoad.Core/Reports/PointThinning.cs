namespace MemLoad;

/// <summary>Makes a long timeline short enough for a file, keeping what a picture of it shows.</summary>
internal static class PointThinning
{
    /// <summary>Points that are left at most: more than a picture has columns.</summary>
    public const int MostPoints = 1000;

    private const int KeptOfEach = 4;

    /// <summary>
    /// Of each stretch of time the first point stays, the lowest, the highest, and the one with the highest forecast; the last point of all stays.
    /// </summary>
    /// <param name="points">Oldest first.</param>
    /// <param name="most">How many may be left; at least 5.</param>
    public static IReadOnlyList<TimelinePoint> Thin(IReadOnlyList<TimelinePoint> points, int most = MostPoints)
    {
        if (points.Count <= most)
        {
            return points;
        }
        int stretches = (most - 1) / KeptOfEach;
        Int128 start = points[0].Microseconds;
        Int128 length = Math.Max(1, points[^1].Microseconds - points[0].Microseconds + 1);
        var kept = new List<TimelinePoint>(most);
        for (int first = 0; first < points.Count - 1;)
        {
            Int128 stretch = (points[first].Microseconds - start) * stretches / length;
            (int low, int high, int forecast, int end) = (first, first, first, first);
            for (; end < points.Count - 1 && (points[end].Microseconds - start) * stretches / length == stretch; end++)
            {
                low = points[end].Measured < points[low].Measured ? end : low;
                high = points[end].Measured > points[high].Measured ? end : high;
                forecast = points[end].Forecast > points[forecast].Forecast ? end : forecast;
            }
            kept.AddRange(new[] { first, low, high, forecast }.Distinct().Order().Select(i => points[i]));
            first = end;
        }
        kept.Add(points[^1]);
        return kept;
    }
}
