namespace MemLoad.Commands;

/// <summary>
/// Writes a report of rows: memory over time, peaks, time and verdicts in one HTML file that needs no network.
/// </summary>
[Cmdlet(VerbsData.Export, "LoadReport", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportLoadReportCommand : RowCmdlet
{
    private string _target = "";
    private string? _pictures;
    private IReadOnlyList<LoadMeasurement>? _baseline;

    /// <summary>The HTML file to write, taken literally.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [Alias("Path", "LiteralPath")]
    [ValidateNotNullOrEmpty]
    public string Destination { get; set; } = "";

    /// <summary>Files with the samples of those runs, from Measure-LoadMemory -TimelinePath; wildcards are expanded.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] TimelinePath { get; set; } = [];

    /// <summary>Files with rows of an earlier measurement; wildcards are expanded. The report lists the loads that are worse now.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] BaselinePath { get; set; } = [];

    /// <summary>A folder to write each picture to as an SVG and a PNG file.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? PicturePath { get; set; }

    /// <summary>Replaces a report that is marked read-only, too.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Does not replace existing files.</summary>
    [Parameter]
    [Alias("NoOverwrite")]
    public SwitchParameter NoClobber { get; set; }

    /// <summary>Returns the file that was written.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => Require(Destination, () =>
    {
        _target = PathResolver.Literal(SessionState.Path, Destination);
        _pictures = PathResolver.Optional(SessionState.Path, PicturePath);
        _baseline = BaselinePath.Length == 0 ? null
            : [.. BaselinePath.SelectMany(path => PathResolver.Resolve(SessionState.Path, path))
                .SelectMany(file => RowFile.Read(file, StopToken))];
        try
        {
            LoadReport.RequireWritable(_target, _pictures, overwrite: !NoClobber);
        }
        catch (MemLoadException e) when (e.Rule == Rules.TargetExists)
        {
            throw Rules.TargetExists.Broken(e.Finding, e.Path, remedy: "Name another path, or leave out -NoClobber.");
        }
        if (!Force && File.Exists(_target) && new FileInfo(_target).IsReadOnly)
        {
            throw Rules.TargetUnwritable.Broken("the file is read-only", _target, remedy: "Replace it with -Force, or name another path.");
        }
    });

    /// <inheritdoc/>
    protected override void EndProcessing() => Finish(() =>
    {
        if (!ShouldProcess(_target, $"Write report of {Rows.Count} rows"))
        {
            return;
        }
        // Problems of the samples are reported after the page is written, because measuring rows takes longer than writing pages.
        LoadTimeline[] timelines = [.. ReadTimelines(out List<ErrorRecord> problems)];
        var options = new LoadReportOptions { PicturePath = _pictures, Overwrite = !NoClobber, Baseline = _baseline };
        LoadReportInfo written = LoadReport.Write(Rows, timelines, _target, options, StopToken);
        WriteVerbose($"{written.Path}: {written.RowCount} rows, {written.PictureCount} pictures, {written.FileBytes} bytes.");
        if (written.UnusedTimelineCount > 0)
        {
            WriteVerbose($"{written.UnusedTimelineCount} sampled loads have no row.");
        }
        if (written.Warning is string warning)
        {
            WriteWarning(warning);
        }
        if (written.WorseCount > 0)
        {
            WriteWarning($"{written.WorseCount} of the loads are worse than the baseline. {written.Path} names them.");
        }
        if (PassThru)
        {
            PSObject page = TargetWriter.Item(this, written.Path);
            page.TypeNames.Insert(0, "MemLoad.WrittenReport");
            page.Properties.Add(new PSNoteProperty(nameof(written.RowCount), (long)written.RowCount));
            page.Properties.Add(new PSNoteProperty(nameof(written.PictureCount), (long)written.PictureCount));
            page.Properties.Add(new PSNoteProperty(nameof(written.WorseCount), written.WorseCount));
            WriteObject(page);
        }
        problems.ForEach(WriteError);
    });

    private List<LoadTimeline> ReadTimelines(out List<ErrorRecord> problems)
    {
        var timelines = new List<LoadTimeline>();
        problems = [];
        foreach (string path in TimelinePath)
        {
            try
            {
                timelines.AddRange(PathResolver.Resolve(SessionState.Path, path).SelectMany(file => TimelineFile.Read(file, StopToken)));
            }
            catch (MemLoadException e)
            {
                problems.Add(ErrorRecords.From(e, path));
            }
        }
        return timelines;
    }
}
