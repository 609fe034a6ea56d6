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

    /// <inheritdoc/>
    protected override string? GeneratedPath(string size) => null;

    /// <inheritdoc/>
    protected override void ProcessRequests(IReadOnlyList<LoadRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Any(request => request.Strategy == MemLoad.Strategy.Auto))
        {
            EnsureSpeed(Device);
        }
        foreach (PreparedLoad prepared in PreparedLoad.PrepareEach(requests, StopToken))
        {
            using (prepared)
            {
                if (Detailed)
                {
                    WriteObject(LoadPlanStep.Of(prepared.Plan, prepared.Forecast, prepared.Device), enumerateCollection: true);
                }
                else
                {
                    WriteObject(prepared.ToRow());
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
