namespace MemLoad;

/// <summary>
/// Allocated empty on the device, then filled straight from the file: into place on the host, through a bounded ring elsewhere and where elements
/// are cast. A chunk may hold many small tensors or part of a large one, so the host peak depends on neither the model nor its largest tensor.
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

        bool ThroughRing(int storage) => !plan.DeviceIsHost || plan.IsCast(storage);
    }
}
