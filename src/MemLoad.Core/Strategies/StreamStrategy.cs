namespace MemLoad;

/// <summary>
/// Allocates the model empty on the device, then fills it directly from the file. On the host, storages are filled in place. A bounded ring
/// is used for other devices, for casts, and for columns of a matrix that ranks saved. A piece may contain many small tensors or part of a
/// large one. So the host peak depends neither on the model nor on its largest tensor.
/// </summary>
internal static class StreamStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.ToEmpty();
        plan.Phase = PlanPhase.Fill;
        plan.ReadEach(plan.Storages.Where(storage => !ThroughRing(storage)), model);
        if (!plan.Storages.Any(ThroughRing))
        {
            return;
        }
        int ring = plan.AllocateRing(plan.Storages.Where(ThroughRing));
        plan.ReadEach(plan.Storages.Where(ThroughRing), model, ring);
        plan.Phase = PlanPhase.Release;
        plan.Release(ring);

        bool ThroughRing(int storage) => !plan.DeviceIsHost || plan.IsCast(storage) || plan.IsInRuns(storage);
    }
}
