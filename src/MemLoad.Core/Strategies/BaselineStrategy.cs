namespace MemLoad;

/// <summary>Build on the host, move, load the whole state dict on the device, copy: the model is there twice.</summary>
internal static class BaselineStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.BuildAndMove();
        StateDictCopy.Write(plan, model, plan.LoadOnDevice);
    }
}
