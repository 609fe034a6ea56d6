namespace MemLoad;

/// <summary>
/// Allocates the model empty on the device, then loads one whole tensor at a time through the host. It works with every format, because
/// extents do not need one file per tensor. A tensor in chunks passes through a ring, as with Stream.
/// </summary>
internal static class PerTensorStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.ToEmpty();
        int[] whole = [.. plan.Storages.Where(storage => !plan.IsInChunks(storage))];
        if (whole.Length > 0)
        {
            plan.Phase = PlanPhase.Fill;
            // One buffer with the length of the largest tensor. Fresh memory for every tensor would cost more than the read.
            int loaded = plan.AllocateForLargest(whole);
            plan.ReadAndCopyEach(whole, loaded, model);
            plan.Phase = PlanPhase.Release;
            plan.Release(loaded);
        }
        if (whole.Length < model.Length)
        {
            plan.Phase = PlanPhase.Fill;
            int ring = plan.AllocateRing(plan.Storages.Where(plan.IsInChunks));
            plan.ReadEach(plan.Storages.Where(plan.IsInChunks), model, ring);
            plan.Phase = PlanPhase.Release;
            plan.Release(ring);
        }
    }
}
