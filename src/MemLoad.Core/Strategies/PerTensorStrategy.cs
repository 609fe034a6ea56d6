namespace MemLoad;

/// <summary>
/// Allocates the model empty on the device, then loads one whole tensor at a time through the host. It works with every format, because
/// extents do not need one file per tensor.
/// </summary>
internal static class PerTensorStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.ToEmpty();
        plan.Phase = PlanPhase.Fill;
        // One buffer with the length of the largest tensor. Fresh memory for every tensor would cost more than the read.
        int loaded = plan.AllocateForLargest(MemoryPool.Host);
        int ring = plan.AllocateChunkRing();
        plan.ReadAndCopyEach(loaded, model);
        plan.Phase = PlanPhase.Release;
        if (ring >= 0)
        {
            plan.Release(ring);
        }
        plan.Release(loaded);
    }
}
