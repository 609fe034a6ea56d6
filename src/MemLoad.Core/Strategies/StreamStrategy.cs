namespace MemLoad;

/// <summary>
/// Allocated empty on the device, then filled straight from the file: into place on the host, through a bounded ring elsewhere. A chunk may
/// hold many small tensors or part of a large one, so the host peak depends on neither the model nor its largest tensor.
/// </summary>
internal static class StreamStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.ToEmpty();
        plan.Phase = PlanPhase.Fill;
        int ring = plan.DeviceIsHost ? -1 : plan.AllocateRing();
        foreach (int storage in plan.Storages)
        {
            plan.Read(storage, model[storage], ring);
        }
        if (ring >= 0)
        {
            plan.Phase = PlanPhase.Release;
            plan.Release(ring);
        }
    }
}
