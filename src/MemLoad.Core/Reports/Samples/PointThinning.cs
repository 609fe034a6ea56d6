namespace MemLoad;

/// <summary>Reduces a long timeline for a file, and keeps the content of its picture.</summary>
internal static class PointThinning
{
    /// <summary>The maximum number of remaining points, which exceeds the columns of a picture.</summary>
    public const int MostPoints = 1000;

    private const int PointsPerRange = 4;

    /// <summary>
    /// Returns fewer points. The first, the lowest and the highest point of each interval stay, and the point with the highest forecast.
    /// The last point of the timeline stays.
    /// </summary>
    /// <param name="points">The points, oldest first.</param>
    /// <param name="most">The maximum number of remaining points, at least 5.</param>
    public static IReadOnlyList<TimelinePoint> Thin(IReadOnlyList<TimelinePoint> points, int most = MostPoints)
    {
        if (points.Count <= most)
        {
            return points;
        }
        int stretches = (most - 1) / PointsPerRange;
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
