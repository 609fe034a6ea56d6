namespace MemLoad;

/// <summary>The content of a report in addition to its rows.</summary>
public sealed record LoadReportOptions
{
    /// <summary>
    /// A folder for each picture as an SVG and a PNG file. It is created if it does not exist. Null writes only the page.
    /// </summary>
    public string? PicturePath { get; init; }
    /// <summary>Whether existing files are replaced.</summary>
    public bool Overwrite { get; init; }
    /// <summary>Rows of an earlier measurement. The report says which loads are worse than theirs. Null writes no comparison.</summary>
    public IReadOnlyList<LoadMeasurement>? Baseline { get; init; }
}
