namespace MemLoad;

/// <summary>
/// Builds the model on the host, moves it to the device, loads the whole state dict on the device, and copies it. The device holds the
/// model twice.
/// </summary>
internal static class BaselineStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.BuildAndMove();
        StateDictCopy.Write(plan, model, plan.LoadOnDevice);
    }
}
