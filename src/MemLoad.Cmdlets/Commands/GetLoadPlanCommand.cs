using System.Management.Automation;
using MemLoad.Abstractions;

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
        foreach (LoadRequest request in requests)
        {
            using var prepared = PreparedLoad.Prepare(request, StopToken);
            if (Detailed)
            {
                WriteSteps(prepared);
            }
            else
            {
                WriteObject(prepared.ToRow());
            }
        }
    }

    private void WriteSteps(PreparedLoad prepared)
    {
        LoadPlan plan = prepared.Plan;
        var names = new Dictionary<int, string>();
        foreach (TensorEntry tensor in plan.Checkpoint.Tensors)
        {
            names.TryAdd(tensor.Storage, tensor.Name);
        }
        int i = 0;
        foreach (PlanTotals totals in PlanForecast.Walk(plan, prepared.Device.NewForecastAllocator()))
        {
            PlanStep step = plan.Steps[i++];
            PlanBuffer buffer = plan.Buffers[step.Buffer];
            WriteObject(new LoadPlanStep
            {
                Strategy = plan.Strategy.ToString(),
                Step = i,
                Phase = step.Phase.ToString(),
                Kind = step.Kind.ToString(),
                Pool = buffer.Pool.ToString(),
                Bytes = buffer.Bytes,
                Tensor = names.GetValueOrDefault(step.Storage),
                HostBytes = totals.HostBytes,
                HostFileBytes = totals.HostFileBytes,
                DeviceBytes = totals.Device.Allocated,
                DeviceReservedBytes = totals.Device.Reserved,
            });
        }
    }
}
