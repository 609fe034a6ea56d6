using System.Management.Automation;
using MemLoad.Abstractions;
using MemLoad.Errors;

namespace MemLoad.Commands;

/// <summary>Says what each strategy would need, from the file's headers alone.</summary>
[Cmdlet(VerbsCommon.Get, "LoadPlan", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(LoadForecast), typeof(LoadPlanStep))]
public sealed class GetLoadPlanCommand : SelectionCmdlet
{
    /// <summary>Give the steps of each plan instead of its totals.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    public SwitchParameter Detailed { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => ProcessSelection();

    // The command that the row is piped to asks for the same: what of the question is no column goes along, where it was asked.
    private PSObject AsAsked(LoadForecast row)
    {
        var asked = PSObject.AsPSObject(row);
        foreach (string name in (string[])[nameof(Key), nameof(Include), nameof(Exclude), nameof(Rank), nameof(RankCount), nameof(HostMemoryLimit), nameof(DeviceMemoryLimit)])
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
        if (requests.Any(request => request.Strategy == MemLoad.Strategy.Auto))
        {
            EnsureSpeed(Device);
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
                // That a plan does not fit is an answer; that none fits is none.
                if (prepared is { Request.Strategy: MemLoad.Strategy.Auto, Refusal: MemLoadException refusal })
                {
                    WriteError(ErrorRecords.From(refusal, prepared.Checkpoint.Path));
                }
            }
        }
    }
}
