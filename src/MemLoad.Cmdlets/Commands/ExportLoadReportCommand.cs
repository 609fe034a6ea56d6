using System.Globalization;
using System.Management.Automation;
using MemLoad.Abstractions;
using MemLoad.Errors;

namespace MemLoad.Commands;

/// <summary>Makes a page of rows: memory over time, peaks, time and verdicts in one HTML file that needs no network and no script.</summary>
[Cmdlet(VerbsData.Export, "LoadReport", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportLoadReportCommand : MemLoadCmdlet
{
    private readonly List<LoadMeasurement> _rows = [];
    private int _number;

    /// <summary>Rows: from Measure-LoadMemory, or what came of them in CSV, JSON, XML or a remote session.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [AllowNull]
    public PSObject? InputObject { get; set; }

    /// <summary>The HTML file to write, taken as it stands.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [Alias("Path", "LiteralPath")]
    [ValidateNotNullOrEmpty]
    public string Destination { get; set; } = "";

    /// <summary>Files with the samples of those runs, from Measure-LoadMemory -TimelinePath; wildcards are expanded.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] TimelinePath { get; set; } = [];

    /// <summary>A folder that takes each picture as an SVG and a PNG file.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? PicturePath { get; set; }

    /// <summary>Replace what is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Give the file that was written.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (InputObject is null)
        {
            return;
        }
        _number++;
        Attempt(InputObject, () => _rows.Add(
            InputObject.BaseObject as LoadMeasurement ?? RowValues.ToRow(name => Text(InputObject.Properties[name]?.Value), $"object {_number.ToString(CultureInfo.InvariantCulture)} of the pipeline")));
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        try
        {
            string target = PathResolver.Literal(SessionState.Path, Destination);
            string? pictures = PathResolver.Optional(SessionState.Path, PicturePath);
            LoadTimeline[] timelines = [.. TimelinePath.SelectMany(path => PathResolver.Resolve(SessionState.Path, path)).SelectMany(file => TimelineFile.Read(file, StopToken))];
            if (ShouldProcess(target, string.Create(CultureInfo.InvariantCulture, $"Write report of {_rows.Count} rows")))
            {
                LoadReportInfo written = LoadReport.Write(_rows, timelines, target, pictures, Force, StopToken);
                WriteVerbose(string.Create(CultureInfo.InvariantCulture, $"{written.Path}: {written.RowCount} rows, {written.PictureCount} pictures, {written.FileBytes} bytes."));
                if (PassThru)
                {
                    WriteObject(new FileInfo(written.Path));
                }
            }
        }
        catch (MemLoadException e)
        {
            ThrowTerminatingError(ErrorRecords.From(e, Destination));
        }
        catch (OperationCanceledException) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    // As a row itself would print it. ConvertFrom-Json makes a DateTime of StartedAt.
    private static string? Text(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        null => null,
        DateTime moment => moment.ToString("yyyy-MM-ddTHH:mm:ss.fffK", CultureInfo.InvariantCulture),
        DateTimeOffset moment => moment.ToString("yyyy-MM-ddTHH:mm:ss.fffzzz", CultureInfo.InvariantCulture),
        IFormattable figure => figure.ToString(null, CultureInfo.InvariantCulture),
        object other => other.ToString(),
    };
}
