namespace MemLoad.Cli;

/// <summary>
/// Prints the rows of <c>measure</c>. CSV and JSON are printed when a row is measured, so that a measurement that is killed loses no rows.
/// The other formats need all rows.
/// </summary>
internal sealed class MeasuredOutput(OutputFormat format, CliConsole console)
{
    private readonly CsvWriter<LoadMeasurement> _csv = new(JsonOutput.Types.LoadMeasurement, console.Out);
    private readonly JsonArrayWriter<LoadMeasurement> _json = new(JsonOutput.Types.LoadMeasurement, console.Out);
    private bool _hasHeader;

    public void Add(IReadOnlyList<LoadMeasurement> rows)
    {
        if (format is not (OutputFormat.Csv or OutputFormat.Json))
        {
            return;
        }
        if (format == OutputFormat.Csv && !_hasHeader)
        {
            _csv.WriteHeader();
            _hasHeader = true;
        }
        foreach (LoadMeasurement row in rows)
        {
            if (format == OutputFormat.Json)
            {
                _json.Write(row);
            }
            else
            {
                _csv.Write(row);
            }
        }
        console.Out.Flush();
    }

    public void End(IReadOnlyList<LoadMeasurement> rows, bool inProcess)
    {
        switch (format)
        {
            case OutputFormat.Csv:
                Add([]);
                break;
            case OutputFormat.Prom:
                console.Out.Write(LoadMetrics.Format(rows));
                break;
            case OutputFormat.Json:
                _json.End();
                break;
            default:
                MeasureView.Write(rows, inProcess, console);
                break;
        }
    }
}
