using System.Management.Automation;
using MemLoad.Abstractions;
using MemLoad.Errors;

namespace MemLoad.Commands;

/// <summary>Forecasts what each strategy needs, from the headers of the file.</summary>
[Cmdlet(VerbsCommon.Get, "LoadPlan", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(LoadForecast), typeof(LoadPlanStep))]
public sealed class GetLoadPlanCommand : SelectionCmdlet
{
    /// <summary>Returns the steps of each plan instead of its totals.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    public SwitchParameter Detailed { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => ProcessSelection();

    // The command that the row is piped to loads the same: parameters that are not columns are added to the row, if they were given.
    private PSObject AsAsked(LoadForecast row)
    {
        var asked = PSObject.AsPSObject(row);
        foreach (string name in (string[])[nameof(Key), nameof(Include), nameof(Exclude), nameof(HostMemoryLimit),
            nameof(DeviceMemoryLimit)])
        {
            if (MyInvocation.BoundParameters.TryGetValue(name, out object? value))
            {
                asked.Properties.Add(new PSNoteProperty(name, value));
            }
        }
        return asked;
    }

    /// <inheritdoc/>
    protected override bool TryGenerate(string size, out string? path)
    {
        path = null;
        return true;
    }

    /// <inheritdoc/>
    protected override void ProcessRequests(IReadOnlyList<LoadRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        foreach (LoadRequest request in requests.Where(request => request.Strategy == MemLoad.Strategy.Auto))
        {
            EnsureSpeed(request.Device);
        }
        foreach (PreparedLoad prepared in PreparedLoad.ForecastEach(requests, StopToken))
        {
            using (prepared)
            {
                if (Detailed)
                {
                    WriteObject(LoadPlanStep.Of(prepared.Plan, prepared.Forecast, prepared.Device), enumerateCollection: true);
                }
                else
                {
                    WriteObject(AsAsked(prepared.ToRow()));
                }
                // A plan that does not fit is an answer. If no plan fits, it is an error.
                if (prepared is { Request.Strategy: MemLoad.Strategy.Auto, Refusal: MemLoadException refusal })
                {
                    WriteError(ErrorRecords.From(refusal, prepared.Checkpoint.Path));
                }
            }
        }
    }
}
