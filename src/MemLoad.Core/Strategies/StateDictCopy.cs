namespace MemLoad;

/// <summary>The common part of Baseline, Sequential and Meta: loads a whole state dict, copies it into the model, and frees it.</summary>
internal static class StateDictCopy
{
    /// <param name="plan">The writer of the plan.</param>
    /// <param name="model">The buffer of each storage in the model.</param>
    /// <param name="load">Loads one storage of the state dict and returns its buffer.</param>
    /// <param name="copy">Copies one storage from the first buffer to the second; by default a plain copy.</param>
    public static void Write(PlanWriter plan, int[] model, Func<int, int> load, Action<int, int, int>? copy = null)
    {
        plan.Phase = PlanPhase.LoadStateDict;
        int ring = plan.AllocateChunkRing();
        int[] stateDict = [.. plan.Storages.Select(load)];
        if (ring >= 0)
        {
            plan.Release(ring);
        }
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
