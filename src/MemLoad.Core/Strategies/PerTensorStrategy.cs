namespace MemLoad;

/// <summary>Allocated empty on the device, then one whole tensor at a time through the host. Works on any checkpoint: extents need no file a tensor.</summary>
internal static class PerTensorStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.ToEmpty();
        plan.Phase = PlanPhase.Fill;
        // One buffer, as long as the largest: fresh memory for every tensor would cost more than reading it.
        int loaded = plan.AllocateForLargest(MemoryPool.Host);
        plan.ReadAndCopyEach(loaded, model);
        plan.Phase = PlanPhase.Release;
        plan.Release(loaded);
    }
}
