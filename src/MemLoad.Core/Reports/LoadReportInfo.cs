namespace MemLoad;

/// <summary>The result of a report.</summary>
public sealed record LoadReportInfo
{
    /// <summary>Absolute path of the page.</summary>
    public required string Path { get; init; }
    /// <summary>The length of the page in bytes.</summary>
    public required long FileBytes { get; init; }
    /// <summary>The number of rows.</summary>
    public required int RowCount { get; init; }
    /// <summary>The number of pictures.</summary>
    public required int PictureCount { get; init; }
    /// <summary>The samples of loads that are in no row. They are not shown.</summary>
    public int UnusedTimelineCount { get; init; }
    /// <summary>The loads that are worse than in the baseline. Null without a baseline.</summary>
    public int? WorseCount { get; init; }
    /// <summary>Absolute path of the folder with the picture files. Null if no folder was requested.</summary>
    public string? PicturePath { get; init; }
    // A file of samples has those of all runs, so some without a row are usual.
    internal string? Warning { get; init; }
}
