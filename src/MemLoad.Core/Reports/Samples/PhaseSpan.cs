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
        var merged = new List<(List<string> Names, long Start, long End)>();
        foreach (PhaseSpan span in spans.Values.Where(span => span.End > span.Start).OrderBy(span => span.Start))
        {
            if (merged.Count > 0 && (span.Start < merged[^1].End || merged.Count == MostShown))
            {
                (List<string> names, long start, long end) = merged[^1];
                names.Add(span.Name);
                merged[^1] = (names, start, Math.Max(end, span.End));
            }
            else
            {
                merged.Add(([span.Name], span.Start, span.End));
            }
        }
        return [.. merged.Select(span => new PhaseSpan(Joined(span.Names), span.Start, span.End))];
    }

    // A file can have a hundred thousand phases.
    private static string Joined(List<string> names) =>
        string.Join(" + ", names.Take(MostShown)) + (names.Count > MostShown ? $" and {names.Count - MostShown} more" : "");
}
