namespace MemLoad;

/// <summary>A group of rows with its pictures.</summary>
internal sealed record ReportSection(ReportGroup Group, Picture Peaks, Picture Time, IReadOnlyList<Picture> Timelines)
{
    private const int LongestName = 60;

    public IEnumerable<Picture> Pictures => [Peaks, Time, .. Timelines];

    public static IReadOnlyList<ReportSection> Of(IReadOnlyList<ReportGroup> groups)
    {
        var sections = new List<ReportSection>();
        foreach (ReportGroup group in groups)
        {
            string name =
                $"{(sections.Count + 1).ToString("00", CultureInfo.InvariantCulture)}-{Plain(group.HostName)}-{Plain(group.Device)}";
            ReportStrategy[] sampled = [.. group.Strategies.Where(strategy => strategy.Timeline is not null)];
            long most = sampled.Length == 0 ? 0 : sampled.Max(strategy => TimelinePicture.MostOf(strategy.Timeline!));
            sections.Add(
                new ReportSection(
                    group,
                    PeaksPicture.Of($"{name}-peaks", group),
                    TimePicture.Of($"{name}-time", group),
                    [
                        .. sampled.Select(
                            (strategy, i) => TimelinePicture.Of($"{name}-memory-{i + 1}-{Plain(strategy.Name)}", strategy, group, most)),
                    ]));
        }
        return sections;
    }

    // Names of computers and devices can have characters that file names do not permit.
    private static string Plain(string text)
    {
        string plain = string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-')).Trim('-');
        return plain.Length == 0 ? "x" : plain[..Math.Min(plain.Length, LongestName)];
    }
}
