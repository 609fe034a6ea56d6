namespace MemLoad;

/// <summary>Allocates the model empty on the device, then continues as Baseline. It saves host memory, but not device memory.</summary>
internal static class MetaStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.ToEmpty();
        StateDictCopy.Write(plan, model, plan.LoadOnDevice);
    }
}
