namespace MemLoad;

/// <summary>A model without memory, allocated empty on the device, then as Baseline: the host is spared, the device is not.</summary>
internal static class MetaStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.ToEmpty();
        StateDictCopy.Write(plan, model, plan.LoadOnDevice);
    }
}
