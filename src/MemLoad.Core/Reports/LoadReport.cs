using System.Text;

namespace MemLoad;

/// <summary>Writes rows as one page: self-contained, readable without its pictures and without its script.</summary>
public static class LoadReport
{
    private static readonly string[] Extensions = [".html", ".htm", ".xhtml"];

    /// <summary>Writes a report.</summary>
    /// <param name="rows">The measured rows, of one or more computers.</param>
    /// <param name="timelines">Samples of these and other loads. A load without samples has no picture over time.</param>
    /// <param name="path">The file to write, with the extension <c>.html</c>.</param>
    /// <param name="picturePath">A folder for each picture as an SVG and a PNG file. It is created if it does not exist. Null writes only
    /// the page.</param>
    /// <param name="overwrite">Whether existing files are replaced.</param>
    /// <param name="cancellationToken">Stops the write. No partial file remains.</param>
    /// <exception cref="MemLoadException">ML8104 without rows, ML1008 for a name without the extension of a page, ML9102 to
    /// ML9105.</exception>
    public static LoadReportInfo Write(
        IReadOnlyList<LoadMeasurement> rows,
        IReadOnlyList<LoadTimeline> timelines,
        string path,
        string? picturePath = null,
        bool overwrite = false,
        CancellationToken cancellationToken = default
    ) => Write(rows, timelines, path, new LoadReportOptions { PicturePath = picturePath, Overwrite = overwrite }, cancellationToken);

    /// <summary>Writes a report.</summary>
    /// <param name="rows">The measured rows, of one or more computers.</param>
    /// <param name="timelines">Samples of these and other loads. A load without samples has no picture over time.</param>
    /// <param name="path">The file to write, with the extension <c>.html</c>.</param>
    /// <param name="options">The content in addition to the rows.</param>
    /// <param name="cancellationToken">Stops the write. No partial file remains.</param>
    /// <exception cref="MemLoadException">ML8104 without rows, ML1008 for a name without the extension of a page, ML9102 to
    /// ML9105.</exception>
    public static LoadReportInfo Write(IReadOnlyList<LoadMeasurement> rows, IReadOnlyList<LoadTimeline> timelines, string path,
        LoadReportOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(timelines);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        if (rows.Count == 0)
        {
            throw Rules.RowsNone.Broken("there are no rows");
        }
        string target = TargetOf(path, options.Overwrite);
        HashSet<(string, string, int, string, long)> shown = [.. rows.Select(LoadTimeline.KeyOf)];
        IReadOnlyList<ReportSection> sections = ReportSection.Of(ReportGroup.Of(rows, timelines));
        IReadOnlyList<RunChange>? changes = options.Baseline is null ? null : RunChange.Of(rows, options.Baseline);
        byte[] page = Encoding.UTF8.GetBytes(HtmlPage.Of(rows, sections, changes));
        Picture[] pictures = [.. sections.SelectMany(section => section.Pictures)];
        string? folder = options.PicturePath is null ? null
            : WritePictures(pictures, FullPath.Of(options.PicturePath, Rules.TargetUnwritable), options.Overwrite, cancellationToken);
        AtomicFile.Write(target, page, options.Overwrite, cancellationToken);
        int unused = timelines.Count(timeline => !shown.Contains(timeline.Key));
        return new LoadReportInfo
        {
            Path = target,
            FileBytes = page.Length,
            RowCount = rows.Count,
            PictureCount = pictures.Length,
            UnusedTimelineCount = unused,
            Warning = unused > 0 && unused == timelines.Count
                ? "The samples belong to other loads than the rows. The page does not show memory over time." : null,
            WorseCount = changes?.Count(change => change.Kind == ChangeKind.Worse),
            PicturePath = folder,
        };
    }

    /// <summary>
    /// Checks before a measurement that <c>Write</c> can write a page. It does not check the names of pictures, which depend on the
    /// rows.
    /// </summary>
    /// <param name="path">The file to write.</param>
    /// <param name="picturePath">The folder for pictures, or null.</param>
    /// <param name="overwrite">Whether an existing file is replaced.</param>
    /// <exception cref="MemLoadException">ML1008 for a name without the extension of a page, ML9102 to ML9104.</exception>
    public static void RequireWritable(string path, string? picturePath = null, bool overwrite = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        WriteTarget.RequireWritable(TargetOf(path, overwrite));
        if (picturePath is not null)
        {
            WriteTarget.RequireFolder(FullPath.Of(picturePath, Rules.TargetUnwritable));
        }
    }

    private static string TargetOf(string path, bool overwrite) =>
        Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase) ? WriteTarget.ForFile(path, overwrite)
            : throw Rules.ExtensionWrong.Broken("the name of the page does not end in .html", path, remedy: "Name it NAME.html.");

    private static string WritePictures(Picture[] pictures, string folder, bool overwrite, CancellationToken ct)
    {
        WriteTarget.RequireFolder(folder);
        try
        {
            _ = Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, folder, 0, whileOpening: true);
        }
        // Checks all names first, so that an existing file is found before the write.
        (Picture Picture, string Svg, string Png)[] targets =
        [
            .. pictures.Select(picture => (picture, WriteTarget.ForFile(Path.Combine(folder, picture.Name + ".svg"), overwrite),
                WriteTarget.ForFile(Path.Combine(folder, picture.Name + ".png"), overwrite))),
        ];
        foreach ((Picture picture, string svg, string png) in targets)
        {
            ct.ThrowIfCancellationRequested();
            AtomicFile.Write(svg, Encoding.UTF8.GetBytes(SvgRenderer.File(picture)), overwrite, ct);
            AtomicFile.Write(png, PngRenderer.File(picture), overwrite, ct);
        }
        return folder;
    }
}
