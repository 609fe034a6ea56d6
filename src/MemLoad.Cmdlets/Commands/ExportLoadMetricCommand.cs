namespace MemLoad.Commands;

/// <summary>Writes rows as metrics for Prometheus, in a file that the textfile collector of an exporter reads.</summary>
[Cmdlet(VerbsData.Export, "LoadMetric", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportLoadMetricCommand : RowCmdlet
{
    private string _target = "";

    /// <summary>The file to write, with the extension .prom, taken literally.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [Alias("Path", "LiteralPath")]
    [ValidateNotNullOrEmpty]
    public string Destination { get; set; } = "";

    /// <summary>The name of the model: the label model of every metric.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ModelName { get; set; }

    /// <summary>Returns the file that was written.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => Require(Destination, () =>
    {
        _target = PathResolver.Literal(SessionState.Path, Destination);
        LoadMetrics.RequireWritable(_target);
    });

    /// <inheritdoc/>
    protected override void EndProcessing() => Finish(() =>
    {
        if (!ShouldProcess(_target, $"Write metrics of {Rows.Count} rows"))
        {
            return;
        }
        string written = LoadMetrics.Write(Rows, _target, ModelName, StopToken);
        WriteVerbose($"{written}: metrics of {Rows.Count} rows.");
        if (PassThru)
        {
            WriteObject(TargetWriter.Item(this, written));
        }
    });
}
