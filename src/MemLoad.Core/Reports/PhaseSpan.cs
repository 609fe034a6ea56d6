namespace MemLoad;

/// <summary>A time span of a load, in microseconds. Phases that alternate per tensor are one span with both names.</summary>
internal sealed record PhaseSpan(string Name, long Start, long End)
{
    private const int MostShown = 8;

    public static IReadOnlyList<PhaseSpan> Of(IReadOnlyList<TimelinePoint> points)
    {
        var spans = new Dictionary<string, PhaseSpan>(StringComparer.Ordinal);
        for (int i = 0; i < points.Count; i++)
        {
            if (points[i].Phase is string name)
            {
                // A phase lasts until the first sample of the next.
                long end = points[Math.Min(i + 1, points.Count - 1)].Microseconds;
                // The sample before the first step was taken immediately before it.
                long start = i > 0 && points[i - 1].Phase is null ? points[i - 1].Microseconds : points[i].Microseconds;
                spans[name] = spans.TryGetValue(name, out PhaseSpan? known) ? known with { End = end } : new PhaseSpan(name, start, end);
            }
        }
        var merged = new List<PhaseSpan>();
        foreach (PhaseSpan span in spans.Values.Where(span => span.End > span.Start).OrderBy(span => span.Start))
        {
            if (merged.Count > 0 && (span.Start < merged[^1].End || merged.Count == MostShown))
            {
                merged[^1] = new PhaseSpan($"{merged[^1].Name} + {span.Name}", merged[^1].Start, Math.Max(merged[^1].End, span.End));
            }
            else
            {
                merged.Add(span);
            }
        }
        return merged;
    }
}
