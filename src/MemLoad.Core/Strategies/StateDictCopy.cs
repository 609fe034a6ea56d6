namespace MemLoad;

/// <summary>What Baseline, Sequential and Meta have in common: load a whole state dict somewhere, copy it into the model, let it go.</summary>
internal static class StateDictCopy
{
    /// <param name="plan">The plan.</param>
    /// <param name="model">Each storage's buffer in the model.</param>
    /// <param name="load">Loads one storage of the state dict and gives its buffer.</param>
    /// <param name="copy">Copies one storage from the first buffer to the second; a plain copy if not given.</param>
    public static void Write(PlanWriter plan, int[] model, Func<int, int> load, Action<int, int, int>? copy = null)
    {
        plan.Phase = PlanPhase.LoadStateDict;
        int[] stateDict = [.. plan.Storages.Select(load)];
        plan.Phase = PlanPhase.CopyWeights;
        foreach (int storage in plan.Storages)
        {
            (copy ?? plan.Copy)(storage, stateDict[storage], model[storage]);
        }
        plan.Phase = PlanPhase.Release;
        foreach (int buffer in stateDict)
        {
            plan.Release(buffer);
        }
    }
}
