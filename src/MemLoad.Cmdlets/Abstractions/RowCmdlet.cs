namespace MemLoad.Abstractions;

/// <summary>Takes measured rows from the pipeline, in any form that they had before.</summary>
public abstract class RowCmdlet : MemLoadCmdlet
{
    private int _number;

    /// <summary>The rows from Measure-LoadMemory, or rows that were converted by CSV, JSON, XML or a remote session.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [AllowNull]
    public PSObject? InputObject { get; set; }
    private protected List<LoadMeasurement> Rows { get; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (InputObject is null)
        {
            return;
        }
        _number++;
        Attempt(InputObject, () => Rows.Add(
            InputObject.BaseObject as LoadMeasurement
            ?? RowValues.ToRow(
                name => Text(InputObject.Properties[name]?.Value),
                $"object {_number.ToString(CultureInfo.InvariantCulture)} of the pipeline")));
    }

    /// <summary>Does the last work of the command. If it fails, the rows are kept as the target of the error.</summary>
    /// <param name="work">The work.</param>
    protected void Finish(Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        try
        {
            UntilStopped(work);
        }
        catch (MemLoadException e)
        {
            if (Rows.Count > 0)
            {
                WriteWarning($"The {Rows.Count} rows are not lost. They are the TargetObject of the error.");
            }
            ThrowTerminatingError(Errors.ErrorRecords.Keeping(e, Rows.ToArray()));
        }
    }

    // Returns the text that a row itself would print. ConvertFrom-Json converts StartedAt to a DateTime, and Import-Clixml to an object
    // with its text.
    private static string? Text(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        null => null,
        DateTime time => RowTime.Text(time),
        DateTimeOffset time => RowTime.Text(time),
        IFormattable figure => figure.ToString(null, CultureInfo.InvariantCulture),
        _ => value?.ToString(),
    };
}
