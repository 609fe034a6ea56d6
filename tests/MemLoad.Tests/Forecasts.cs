namespace MemLoad.Tests;

/// <summary>Forecasts of plans that exist as a list of steps. The library adds up a plan while it is written.</summary>
internal static class Forecasts
{
    public static PlanForecast Of(LoadPlan plan, IDevice device)
    {
        using var tally = new PlanTally(plan.Checkpoint, device.NewForecastAllocator());
        plan.ReadBy(tally);
        return tally.Forecast;
    }

    public static void ReadBy(this LoadPlan plan, IPlanReader reader)
    {
        foreach (PlanStep step in plan.Steps)
        {
            reader.Read(step, plan.Buffers[step.Buffer], step.Source < 0 ? default : plan.Buffers[step.Source]);
        }
    }
}
